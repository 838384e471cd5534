//! The picture and the listing hold all of the topology, and are the same each time.

mod toys;

use hilo_stream::draw;
use toys::topology;

#[test]
fn the_listing_names_everything() {
    let listing = draw::text(&topology());
    let expected = "\
fold (keyed): Counts words.
  reads   toy.word
  writes  toy.fact, toy.word
  store   seen: A toy.
  store   timers: A toy.
";
    assert!(listing.contains(expected), "{listing}");
    let expected = "\
toy.fact (derived): A toy.
  key     letter
  kept    for the test
  schema  toy.fact
";
    assert!(listing.contains(expected), "{listing}");
}

#[test]
fn the_picture_has_a_box_each_and_an_edge_each_and_does_not_change() {
    let topology = topology();
    let picture = draw::svg(&topology);
    assert_eq!(picture, draw::svg(&topology));
    for topic in topology.topics() {
        assert_eq!(picture.matches(&format!(">{}</text>", topic.name)).count(), 1);
    }
    for processor in topology.processors() {
        assert_eq!(picture.matches(&format!(">{}</text>", processor.name)).count(), 1);
    }
    // parse: 1 in, 2 out; fold: 1 in, 2 out, of which one back; total: 2 in, 1 out.
    assert_eq!(picture.matches("<path class=\"e\"").count(), 8);
    assert_eq!(picture.matches("<path class=\"e b\"").count(), 1);
    assert!(picture.contains("prefers-color-scheme:dark"));
    assert_eq!(picture.matches("<g ").count(), picture.matches("</g>").count());
}
