//! Whose program has the other end of a connection on this machine.

use std::net::SocketAddr;

/// Whether it is a program of this user; `None` if that is not known. Our URL is an argument of the browser's launcher, which other users of
/// this machine can read where the system shows them the processes of all.
#[cfg(target_os = "linux")]
pub fn is_own((client, ours): (SocketAddr, SocketAddr)) -> Option<bool> {
    let own = rustix::process::geteuid().as_raw();
    let tables =
        ["/proc/self/net/tcp", "/proc/self/net/tcp6"].into_iter().filter_map(|path| std::fs::read_to_string(path).ok());
    tables.into_iter().find_map(|table| owner(&table, client, ours)).map(|owner| owner == own)
}

/// Windows shows other users no arguments; on other systems nothing is known of the client.
#[cfg(not(target_os = "linux"))]
pub fn is_own(_: (SocketAddr, SocketAddr)) -> Option<bool> {
    cfg!(windows).then_some(true)
}

/// The user of the client's socket, as a table of the kernel says (proc_net_tcp of the kernel's documentation).
#[cfg(any(target_os = "linux", test))]
fn owner(table: &str, client: SocketAddr, ours: SocketAddr) -> Option<u32> {
    let (client, ours) = (names(client), names(ours));
    let mut rows = table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let is_meant = |row: &Vec<&str>| {
        row.len() > 7 && client.iter().any(|name| name == row[1]) && ours.iter().any(|name| name == row[2])
    };
    rows.find(is_meant)?[7].parse().ok()
}

/// The address in both tables: each group of four bytes as a number of this machine's byte order.
#[cfg(any(target_os = "linux", test))]
fn names(address: SocketAddr) -> [String; 2] {
    let hex = |bytes: &[u8]| -> String {
        let groups = bytes.chunks_exact(4).map(|four| u32::from_ne_bytes([four[0], four[1], four[2], four[3]]));
        groups.map(|group| format!("{group:08X}")).collect()
    };
    let name = |bytes: &[u8]| format!("{}:{:04X}", hex(bytes), address.port());
    match address {
        SocketAddr::V4(four) => [name(&four.ip().octets()), name(&four.ip().to_ipv6_mapped().octets())],
        SocketAddr::V6(six) => [name(&six.ip().octets()), name(&six.ip().octets())],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_endian = "little")]
    fn the_owner_of_the_clients_end_is_found_and_not_that_of_ours() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n\
            0: 0100007F:1F90 0100007F:C350 01 00000000:00000000 00:00000000 00000000  1000 0 1 1 0 20 4 30 10 -1\n\
            1: 0100007F:C350 0100007F:1F90 01 00000000:00000000 00:00000000 00000000  1001 0 2 1 0 20 4 30 10 -1\n\
            2: 00000000000000000000000001000000:C351 00000000000000000000000001000000:1F90 01 0:0 0:0 0 1002 0 3\n\
            3: broken\n";
        let at = |text: &str| text.parse::<SocketAddr>().unwrap();
        assert_eq!(owner(table, at("127.0.0.1:50000"), at("127.0.0.1:8080")), Some(1001));
        assert_eq!(owner(table, at("[::1]:50001"), at("[::1]:8080")), Some(1002));
        assert_eq!(owner(table, at("127.0.0.1:50002"), at("127.0.0.1:8080")), None);
    }
}
