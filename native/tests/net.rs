//! The network clients against real sockets: websockets served by tungstenite, HTTP by hand so that it can be torn.

mod net_support;
mod net {
    mod connections;
    mod http;
    mod tls;
    mod websocket;
}
