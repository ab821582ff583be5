//! Lists pods with kube-rs, as clients.js says.

use std::error::Error;
use std::io;

use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, ListParams};
use kube::Client;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut client = None;
    if std::env::args().any(|argument| argument == "--once") {
        return list_pods(&mut client).await;
    }
    for line in io::stdin().lines() {
        line?;
        match list_pods(&mut client).await {
            Ok(()) => println!("listed"),
            Err(error) => println!("failed: {}", error.to_string().replace('\n', " ")),
        }
    }
    Ok(())
}

async fn list_pods(client: &mut Option<Client>) -> Result<(), Box<dyn Error>> {
    if client.is_none() {
        *client = Some(Client::try_default().await?);
    }
    let pods: Api<Pod> = Api::default_namespaced(client.clone().expect("a client"));
    pods.list(&ListParams::default()).await?;
    Ok(())
}
