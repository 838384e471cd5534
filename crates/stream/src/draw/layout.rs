//! Places: layers from left to right, few crossings, long edges through points of their own in the layers between.

use crate::Topology;

/// Space between two columns, for the edges.
const GAP_X: f64 = 64.0;
/// Space between two nodes of a column.
const GAP_Y: f64 = 22.0;
/// Space between the lanes of edges that go back.
const LANE: f64 = 14.0;
const MARGIN: f64 = 24.0;
const CHARACTER: f64 = 7.4;
const PADDING: f64 = 24.0;
const LINE: f64 = 17.0;
const SWEEPS: usize = 12;

/// What a node shows.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Index in the topology's topics.
    Topic(usize),
    /// Index in the topology's processors.
    Processor(usize),
    /// A bend of a long edge.
    Bend,
}

/// A placed node.
pub(super) struct Node {
    pub(super) kind: Kind,
    pub(super) layer: usize,
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) width: f64,
    pub(super) height: f64,
}

impl Node {
    pub(super) fn middle(&self) -> f64 {
        self.y + self.height / 2.0
    }
}

/// A drawn edge.
pub(super) enum Edge {
    /// From left to right, through its bends.
    Forward(Vec<usize>),
    /// Against the flow: out on the right, along the lane at this height, in on the left; `inset` is how far from the
    /// two nodes it goes up and down.
    Back {
        from: usize,
        to: usize,
        lane: f64,
        inset: f64,
    },
}

pub(super) struct Layout {
    pub(super) nodes: Vec<Node>,
    pub(super) edges: Vec<Edge>,
    pub(super) width: f64,
    pub(super) height: f64,
}

/// Places the topics and processors of `topology`.
pub(super) fn layout(topology: &Topology) -> Layout {
    let mut nodes = nodes(topology);
    let (forward, back) = edges(topology, &mut nodes);
    let mut paths = Vec::new();
    for (from, to) in forward {
        let mut path = vec![from];
        for layer in nodes[from].layer + 1..nodes[to].layer {
            path.push(nodes.len());
            nodes.push(Node {
                kind: Kind::Bend,
                layer,
                x: 0.0,
                y: 0.0,
                width: 0.0,
                height: 0.0,
            });
        }
        path.push(to);
        paths.push(path);
    }
    let layers = nodes.iter().map(|node| node.layer + 1).max().unwrap_or_default();
    let mut columns: Vec<Vec<usize>> = vec![Vec::new(); layers];
    for (index, node) in nodes.iter().enumerate() {
        columns[node.layer].push(index);
    }
    let neighbours = neighbours(&nodes, &paths);
    order(&mut columns, &neighbours);
    place(&mut nodes, &columns, &neighbours);

    let bottom = nodes.iter().map(|node| node.y + node.height).fold(0.0, f64::max);
    let right = nodes.iter().map(|node| node.x + node.width).fold(0.0, f64::max);
    let mut edges: Vec<Edge> = paths.into_iter().map(Edge::Forward).collect();
    let mut lane = bottom;
    for (index, (from, to)) in back.into_iter().enumerate() {
        lane += LANE;
        let inset = 14.0 + 7.0 * (index % 5) as f64;
        edges.push(Edge::Back { from, to, lane, inset });
    }
    Layout {
        nodes,
        edges,
        width: right + MARGIN + GAP_X / 2.0,
        height: lane + MARGIN,
    }
}

/// Topics, then processors: indices follow those of the topology.
fn nodes(topology: &Topology) -> Vec<Node> {
    let width = |text: &str| text.chars().count() as f64 * CHARACTER + PADDING;
    let topics = topology.topics().iter().enumerate().map(|(index, topic)| Node {
        kind: Kind::Topic(index),
        layer: 0,
        x: 0.0,
        y: 0.0,
        width: width(topic.name),
        height: LINE + 13.0,
    });
    let processors = topology.processors().iter().enumerate().map(|(index, processor)| {
        let stores = processor.stores.iter().map(|store| width(store.name) + 12.0);
        Node {
            kind: Kind::Processor(index),
            layer: 0,
            x: 0.0,
            y: 0.0,
            width: stores.fold(width(processor.name), f64::max),
            height: LINE * (1.0 + processor.stores.len() as f64) + 15.0,
        }
    });
    topics.chain(processors).collect()
}

type Ends = Vec<(usize, usize)>;

/// Sets the layers and gives the edges with the flow and against it. Processors are listed in the order of the flow, so
/// one pass is enough; an input that is owned further on is an edge back and does not count.
fn edges(topology: &Topology, nodes: &mut [Node]) -> (Ends, Ends) {
    let topics = topology.topics().len();
    let id = |name: &str| topology.topics().iter().position(|topic| topic.name == name);
    let mut known = vec![false; topics];
    for (topic, known) in topology.topics().iter().zip(&mut known) {
        let owned = topology.processors().iter().flat_map(|processor| &processor.outputs);
        *known = owned.clone().all(|output| output.name != topic.name);
    }
    for (index, processor) in topology.processors().iter().enumerate() {
        let inputs = processor.inputs.iter().filter_map(|name| id(name));
        let layer = inputs
            .filter(|&topic| known[topic])
            .map(|topic| nodes[topic].layer + 1)
            .max()
            .unwrap_or(1);
        nodes[topics + index].layer = layer;
        for topic in processor.outputs.iter().filter_map(|output| id(output.name)) {
            if !std::mem::replace(&mut known[topic], true) {
                nodes[topic].layer = layer + 1;
            }
        }
    }
    let (mut forward, mut back) = (Vec::new(), Vec::new());
    for (index, processor) in topology.processors().iter().enumerate() {
        let node = topics + index;
        let reads = processor
            .inputs
            .iter()
            .filter_map(|name| id(name))
            .map(|topic| (topic, node));
        let writes = processor.writes().filter_map(id).map(|topic| (node, topic));
        for (from, to) in reads.chain(writes) {
            if nodes[from].layer < nodes[to].layer {
                forward.push((from, to));
            } else {
                back.push((from, to));
            }
        }
    }
    (forward, back)
}

/// Neighbours of each node on its left and on its right.
struct Neighbours {
    left: Vec<Vec<usize>>,
    right: Vec<Vec<usize>>,
}

fn neighbours(nodes: &[Node], paths: &[Vec<usize>]) -> Neighbours {
    let mut neighbours = Neighbours {
        left: vec![Vec::new(); nodes.len()],
        right: vec![Vec::new(); nodes.len()],
    };
    for pair in paths.iter().flat_map(|path| path.windows(2)) {
        neighbours.right[pair[0]].push(pair[1]);
        neighbours.left[pair[1]].push(pair[0]);
    }
    neighbours
}

fn mean(of: impl ExactSizeIterator<Item = f64>) -> Option<f64> {
    let count = of.len();
    (count > 0).then(|| of.sum::<f64>() / count as f64)
}

/// Orders each column by the mean place of its neighbours, from the left and from the right in turn.
fn order(columns: &mut [Vec<usize>], neighbours: &Neighbours) {
    let mut rank = vec![0.0; neighbours.left.len()];
    let note = |rank: &mut Vec<f64>, column: &[usize]| {
        for (place, &node) in column.iter().enumerate() {
            rank[node] = (place as f64 + 0.5) / column.len() as f64;
        }
    };
    for column in columns.iter() {
        note(&mut rank, column);
    }
    for sweep in 0..SWEEPS {
        let rightwards = sweep % 2 == 0;
        for step in 0..columns.len() {
            let (index, beside) = if rightwards {
                (step, &neighbours.left)
            } else {
                (columns.len() - 1 - step, &neighbours.right)
            };
            let column = &mut columns[index];
            let key = |node: usize| mean(beside[node].iter().map(|&other| rank[other])).unwrap_or(rank[node]);
            // Stable: equal keys keep the topology's order.
            column.sort_by(|&one, &other| key(one).total_cmp(&key(other)));
            note(&mut rank, column);
        }
    }
}

/// Gives each node its place: columns as wide as their widest node, heights near those of the neighbours.
fn place(nodes: &mut [Node], columns: &[Vec<usize>], neighbours: &Neighbours) {
    let mut x = MARGIN;
    for column in columns {
        let width = column.iter().map(|&node| nodes[node].width).fold(0.0, f64::max);
        for &node in column {
            nodes[node].x = x + (width - nodes[node].width) / 2.0;
        }
        x += width + GAP_X;
        let mut y = 0.0;
        for &node in column {
            nodes[node].y = y;
            y += nodes[node].height + GAP_Y;
        }
    }
    for _ in 0..SWEEPS {
        for column in columns {
            let wished: Vec<f64> = column
                .iter()
                .map(|&node| {
                    let beside = neighbours.left[node].iter().chain(&neighbours.right[node]);
                    let middles: Vec<f64> = beside.map(|&other| nodes[other].middle()).collect();
                    mean(middles.into_iter()).map_or(nodes[node].y, |middle| middle - nodes[node].height / 2.0)
                })
                .collect();
            let mut free = f64::NEG_INFINITY;
            let mut error = 0.0;
            for (&node, wish) in column.iter().zip(&wished) {
                nodes[node].y = wish.max(free);
                error += nodes[node].y - wish;
                free = nodes[node].y + nodes[node].height + GAP_Y;
            }
            // What was pushed down is shared by the whole column.
            let shift = error / column.len().max(1) as f64;
            for &node in column {
                nodes[node].y -= shift;
            }
        }
    }
    let top = nodes.iter().map(|node| node.y).fold(f64::INFINITY, f64::min);
    for node in nodes {
        node.y += MARGIN - top;
    }
}
