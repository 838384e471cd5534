//! Carts.
//!
//! ```json
//! {"type": "order", "order": {"catalog_id": "194836987003835", "text": "Love these!",
//!  "product_items": [{"product_retailer_id": "di9ozbzfi4", "quantity": 2, "item_price": 30, "currency": "USD"}]}}
//! ```

use super::types::Typed;
use hilo_contracts::details::{Details, Order, Product};
use hilo_domain::read::{decimal, id, list, owned, said};
use serde_json::Value;

pub(super) fn details(cart: &Typed) -> Details {
    Details {
        text: owned(cart.body, "text"),
        order: said(order(cart.body)),
        ..Details::default()
    }
}

fn order(body: &Value) -> Order {
    let product = |item: &Value| Product {
        retailer_id: id(item, "product_retailer_id"),
        quantity: decimal(item, "quantity"),
        item_price: decimal(item, "item_price"),
        currency: owned(item, "currency"),
    };
    Order {
        catalog_id: id(body, "catalog_id"),
        products: list(body, "product_items").into_iter().flatten().map(product).collect(),
    }
}

#[cfg(test)]
mod tests {
    use crate::message::types::body;
    use hilo_contracts::details::Product;
    use serde_json::json;

    #[test]
    fn a_cart_has_lines_and_a_note() {
        let element = json!({"type": "order", "order": {"catalog_id": "194836987003835", "text": "Love these!",
            "product_items": [{"product_retailer_id": "di9ozbzfi4", "quantity": 2, "item_price": 30.5, "currency": "USD"}]}});
        let details = body(&element, "order");
        assert_eq!(details.text.as_deref(), Some("Love these!"));
        let order = details.order.unwrap();
        assert_eq!(order.catalog_id.as_deref(), Some("194836987003835"));
        let line = Product {
            retailer_id: Some("di9ozbzfi4".into()),
            quantity: Some("2".into()),
            item_price: Some("30.5".into()),
            currency: Some("USD".into()),
        };
        assert_eq!(order.products, [line]);
    }
}
