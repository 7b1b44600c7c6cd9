//! Whether Go's HTTP client asks for an address at all: the syntax by `net/url`, then scheme and host. Nothing is fetched.

use std::net::Ipv6Addr;

/// Why the client does not ask for this address, if it does not.
pub(super) fn find_fault(address: &str) -> Option<String> {
    check_address(address).err()
}

fn check_address(address: &str) -> Result<(), String> {
    if address.bytes().any(|byte| byte < b' ' || byte == 0x7f) {
        return Err("it has a control character".to_owned());
    }
    let (address, fragment) = address.split_once('#').unwrap_or((address, ""));
    check_escapes(fragment)?;
    let (scheme, rest) = split_scheme(address);
    let scheme = scheme.to_ascii_lowercase();
    if !matches!(scheme.as_str(), "http" | "https") {
        return Err(format!("its scheme is `{scheme}`, not http or https"));
    }
    let path = rest.split('?').next().unwrap_or_default();
    let Some(after) = path.strip_prefix("//") else { return Err("it has no host".to_owned()) };
    let (authority, path) = after.split_at(after.find('/').unwrap_or(after.len()));
    let (user, host) = match authority.rsplit_once('@') {
        Some((user, host)) => (user, host),
        None => ("", authority),
    };
    check_host(host)?;
    let is_user_char = |c: char| c.is_ascii_alphanumeric() || "-._:~!$&'()*+,;=%@".contains(c);
    if !user.chars().all(is_user_char) {
        return Err("its user is not valid".to_owned());
    }
    check_escapes(user)?;
    check_escapes(path)?;
    match host {
        "" | ":" => Err("it has no host".to_owned()),
        _ => Ok(()),
    }
}

/// Scheme and rest; an address without a scheme has an empty one.
fn split_scheme(address: &str) -> (&str, &str) {
    let is_scheme = |scheme: &str| {
        scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
    };
    address.split_once(':').filter(|(scheme, _)| is_scheme(scheme)).unwrap_or(("", address))
}

/// Each `%` must begin an escape of two digits.
fn check_escapes(text: &str) -> Result<(), String> {
    let is_escape = |rest: &str| rest.len() >= 2 && rest.bytes().take(2).all(|byte| byte.is_ascii_hexdigit());
    match text.split('%').skip(1).all(is_escape) {
        true => Ok(()),
        false => Err("it has a `%` without two digits".to_owned()),
    }
}

fn check_host(host: &str) -> Result<(), String> {
    let error = || Err(format!("its host `{host}` is not valid"));
    let (name, port) = match (host.starts_with('['), host.rsplit_once(']')) {
        (true, Some((name, port))) => {
            let name = name.get(1..).unwrap_or_default();
            let (address, zone) = name.split_once("%25").unwrap_or((name, "zone"));
            if zone.is_empty() || address.parse::<Ipv6Addr>().is_err() || check_escapes(zone).is_err() {
                return error();
            }
            ("", port)
        }
        (true, None) => return error(),
        (false, _) if host.contains('[') => return error(),
        // With Go 1.25, as the programme has it, earlier colons are part of the name.
        (false, _) => host.split_at(host.rfind(':').unwrap_or(host.len())),
    };
    let digits = port.strip_prefix(':').unwrap_or(port);
    let is_port = port.is_empty() || port.starts_with(':') && digits.bytes().all(|byte| byte.is_ascii_digit());
    let is_host_byte =
        |byte: u8| byte >= 0x80 || byte.is_ascii_alphanumeric() || b"-_.~!$&'()*+,;=:[]<>\"%".contains(&byte);
    // Only bytes beyond ASCII may be escaped.
    let is_escape_allowed = |rest: &str| rest.starts_with("25") || rest.starts_with(|c: char| !matches!(c, '0'..='7'));
    let is_name = name.bytes().all(is_host_byte) && name.split('%').skip(1).all(is_escape_allowed);
    if !is_port || !is_name {
        return error();
    }
    check_escapes(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_checked_as_go_does_it() {
        for address in [
            "https://acme.example/x y?a=%zz#f",
            "HTTPS://acme.example:/",
            "http://user:p%40ss@acme.example:8080",
            "https://[fe80::1%25en0]:443/",
            "https://münchen.example",
            "https://acme.example/%2f",
            "https://:80/",
            "https://a:1:2/",
        ] {
            assert_eq!(find_fault(address), None, "{address}");
        }
        for address in [
            "http server",
            "http:acme.example",
            "http:/acme.example",
            "httpx://acme.example",
            "https://",
            "https://:/x",
            "https://a b/",
            "https://a:b/",
            "https://a%20b/",
            "https://a%zz/",
            "https://[1.2.3.4]/",
            "https://[::1/",
            "https://x[::1]/",
            "https://a b@acme.example/",
            "https://acme.example/%",
            "https://acme.example/#%zz",
            "https://acme.example/\n",
        ] {
            assert!(find_fault(address).is_some(), "{address}");
        }
    }
}
