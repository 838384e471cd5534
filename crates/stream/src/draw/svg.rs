//! The picture: topics as rounded boxes, processors as boxes with their stores. Colours follow the reader's scheme.

use super::kind;
use super::layout::{Edge, Kind, Layout, Node, layout};
use crate::Topology;
use std::fmt::Write as _;

const STYLE: &str = "\
.t{--ink:#1c2430;--soft:#5b6675;--line:#8793a3;--paper:#fff;--box:#eef3fa;--edge:#3d6fb4;--raw:#fdf3e1;--fact:#e9f6ec;--inner:#f4f4f6}
@media(prefers-color-scheme:dark){.t{--ink:#e8edf4;--soft:#a5b0bf;--line:#6d7a8b;--paper:#12161c;--box:#1d2733;--edge:#7ba7e0;--raw:#33291a;--fact:#1b2d22;--inner:#22262d}}
.t .paper{fill:var(--paper)}
.t text{font:13px system-ui,sans-serif;fill:var(--ink)}
.t .p rect{fill:var(--box);stroke:var(--edge);stroke-width:1.5}
.t .p text{font-weight:600}
.t .p .s{font-weight:400;font-size:12px;fill:var(--soft)}
.t .raw rect{fill:var(--raw);stroke:var(--line)}
.t .derived rect{fill:var(--fact);stroke:var(--line)}
.t .internal rect{fill:var(--inner);stroke:var(--line);stroke-dasharray:4 3}
.t .e{fill:none;stroke:var(--line);stroke-width:1.4;stroke-linejoin:round}
.t .b{stroke-dasharray:5 4}
.t .h{fill:var(--line)}
";

/// The topology as an SVG document that can also stand inside a page.
#[must_use]
pub fn svg(topology: &Topology) -> String {
    let layout = layout(topology);
    let mut out = String::new();
    let (width, height) = (layout.width.ceil(), layout.height.ceil());
    // Writing to a String cannot fail.
    let _ = write!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"t\" role=\"img\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" \
         height=\"{height}\">\n<title>Topology: {} processors, {} topics</title>\n<style>{STYLE}</style>\n\
         <defs><marker id=\"hilo-arrow\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"7\" markerHeight=\"7\" \
         orient=\"auto\"><path class=\"h\" d=\"M0 0 8 4 0 8z\"/></marker></defs>\n\
         <rect class=\"paper\" width=\"{width}\" height=\"{height}\"/>\n",
        topology.processors().len(),
        topology.topics().len(),
    );
    for edge in &layout.edges {
        path(&mut out, &layout, edge);
    }
    for node in &layout.nodes {
        match node.kind {
            Kind::Topic(index) => {
                let topic = &topology.topics()[index];
                let tip = format!("{} Key: {}. Kept: {}.", topic.doc, topic.key, topic.kept);
                open(&mut out, kind(topic.kind), &tip, node, node.height / 2.0);
                line(&mut out, node, 0, "", topic.name);
            }
            Kind::Processor(index) => {
                let processor = &topology.processors()[index];
                open(&mut out, "p", processor.doc, node, 4.0);
                line(&mut out, node, 0, "", processor.name);
                for (row, store) in (1..).zip(&processor.stores) {
                    line(&mut out, node, row, " class=\"s\"", &format!("▤ {}", store.name));
                }
            }
            Kind::Bend => continue,
        }
        out.push_str("</g>\n");
    }
    out.push_str("</svg>\n");
    out
}

fn open(out: &mut String, class: &str, tip: &str, node: &Node, radius: f64) {
    let _ = write!(
        out,
        "<g class=\"{class}\"><title>{}</title><rect x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\" rx=\"{radius:.1}\"/>",
        escaped(tip),
        node.x,
        node.y,
        node.width,
        node.height
    );
}

fn line(out: &mut String, node: &Node, row: usize, class: &str, text: &str) {
    let _ = write!(
        out,
        "<text{class} x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
        node.x + node.width / 2.0,
        node.y + 20.0 + 17.0 * row as f64,
        escaped(text)
    );
}

fn path(out: &mut String, layout: &Layout, edge: &Edge) {
    match edge {
        Edge::Forward(nodes) => {
            out.push_str("<path class=\"e\" marker-end=\"url(#hilo-arrow)\" d=\"");
            for pair in nodes.windows(2) {
                let (from, to) = (&layout.nodes[pair[0]], &layout.nodes[pair[1]]);
                let (x1, y1) = (from.x + from.width, from.middle());
                let (x2, y2) = (to.x, to.middle());
                if pair[0] == nodes[0] {
                    let _ = write!(out, "M{x1:.1} {y1:.1}");
                }
                let bend = (x2 - x1) / 2.0;
                let _ = write!(
                    out,
                    "C{:.1} {y1:.1} {:.1} {y2:.1} {x2:.1} {y2:.1}",
                    x1 + bend,
                    x2 - bend
                );
            }
        }
        Edge::Back { from, to, lane, inset } => {
            let (from, to) = (&layout.nodes[*from], &layout.nodes[*to]);
            let (right, left) = (from.x + from.width, to.x);
            let _ = write!(
                out,
                "<path class=\"e b\" marker-end=\"url(#hilo-arrow)\" d=\"M{right:.1} {:.1}H{:.1}V{lane:.1}H{:.1}V{:.1}H{left:.1}",
                from.y + from.height - 6.0,
                right + inset,
                left - inset,
                to.y + to.height - 6.0,
            );
        }
    }
    out.push_str("\"/>\n");
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
