use std::io::Write;

use tar::{Builder, EntryType as EntryKind, Header};

use super::*;

const FILE: EntryKind = EntryKind::Regular;

/// Name, kind and bytes.
type TarEntry<'a> = (&'a str, EntryKind, &'a [u8]);

/// A directory for one test, removed at its end.
struct ReaderTempDir(PathBuf);

impl ReaderTempDir {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("gpuhpa-bundle-reader-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn put(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.0.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, bytes).unwrap();
        path
    }
}

impl Drop for ReaderTempDir {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A tar archive of these entries, with their names unchanged.
fn tarred(entries: &[TarEntry<'_>]) -> Vec<u8> {
    let mut builder = Builder::new(Vec::new());
    for (name, kind, bytes) in entries {
        let mut header = Header::new_gnu();
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_entry_type(*kind);
        header.set_size(bytes.len() as u64);
        if matches!(kind, EntryKind::Symlink | EntryKind::Link) {
            header.set_link_name("/etc/passwd").unwrap();
        }
        header.set_cksum();
        builder.append(&header, *bytes).unwrap();
    }
    builder.into_inner().unwrap()
}

fn read_all(reader: &BundleReader) -> BTreeMap<String, Vec<u8>> {
    let mut all = BTreeMap::new();
    reader
        .for_each_file::<BundleReadError>(|name, file| {
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes).unwrap();
            all.insert(name.to_owned(), bytes);
            Ok(ControlFlow::Continue(()))
        })
        .unwrap();
    all
}

fn read_failure(path: &Path) -> String {
    BundleReader::open(path, "m").unwrap_err().to_string()
}

#[test]
fn a_directory_and_its_archives_have_the_same_files() {
    let dir = ReaderTempDir::new("same");
    dir.put("b/m", b"mark");
    let long = format!("d/{}/{}", "x".repeat(120), "y".repeat(150));
    dir.put(&format!("b/{long}"), b"deep");
    let directory = BundleReader::open(&dir.0.join("b"), "m").unwrap();
    let expected = BTreeMap::from([("m".to_owned(), b"mark".to_vec()), (long.clone(), b"deep".to_vec())]);
    assert_eq!(read_all(&directory), expected);
    assert_eq!(directory.files()[&long], 4);
    // With a directory around it, and without.
    for prefix in ["", "b"] {
        let mut builder = Builder::new(Vec::new());
        builder.append_dir_all(prefix, dir.0.join("b")).unwrap();
        let tar = builder.into_inner().unwrap();
        for (name, bytes) in [("b.tar", tar.clone()), ("b.tar.zst", zstd::encode_all(&tar[..], 3).unwrap())] {
            let archive = BundleReader::open(&dir.put(name, &bytes), "m").unwrap();
            assert_eq!((archive.files(), read_all(&archive)), (directory.files(), expected.clone()), "{prefix} {name}");
        }
    }
}

#[test]
fn a_long_name_in_a_pax_extension_is_read_and_a_size_there_is_rejected() {
    let dir = ReaderTempDir::new("pax");
    let long = "z".repeat(200);
    let record = |key: &str, value: &str| {
        let rest = format!(" {key}={value}\n");
        let length = (rest.len() + 3).to_string();
        format!("{length}{rest}")
    };
    let path = record("path", &long);
    let tar = tarred(&[("m", FILE, b"mark"), ("p", EntryKind::XHeader, path.as_bytes()), ("short", FILE, b"x")]);
    let archive = BundleReader::open(&dir.put("a.tar", &tar), "m").unwrap();
    assert_eq!(archive.files().keys().collect::<Vec<_>>(), ["m", long.as_str()]);
    let size = format!("{}\u{a}", "12 size=4096");
    let sized = format!("{}{}", size.len(), &size[2..]);
    let tar = tarred(&[("p", EntryKind::XHeader, sized.as_bytes()), ("m", FILE, b"x")]);
    assert!(read_failure(&dir.put("b.tar", &tar)).contains("pax size records"));
    let huge = vec![b'x'; 20_000];
    let tar = tarred(&[("p", EntryKind::GNULongName, &huge), ("m", FILE, b"x")]);
    assert!(read_failure(&dir.put("c.tar", &tar)).contains("an extension entry has more than"));
}

#[test]
fn an_invalid_entry_is_rejected_by_name() {
    let dir = ReaderTempDir::new("hostile");
    let cases: [(&str, &[TarEntry<'_>], &str); 8] = [
        ("up", &[("m", FILE, b""), ("../x", FILE, b"")], "`../x` escapes the bundle directory"),
        ("root", &[("/etc/passwd", FILE, b"")], "escapes the bundle directory"),
        ("link", &[("m", FILE, b""), ("l", EntryKind::Symlink, b"")], "`l` is not a regular file"),
        ("hard", &[("h", EntryKind::Link, b"")], "`h` is not a regular file"),
        ("fifo", &[("f", EntryKind::Fifo, b"")], "`f` is not a regular file or directory"),
        ("twice", &[("m", FILE, b"1"), ("./m", FILE, b"2")], "`m` twice"),
        ("beside", &[("b/m", FILE, b""), ("c/x", FILE, b"")], "`c/x` outside the bundle directory `b/`"),
        ("plain", &[("a//m", FILE, b"")], "is not normalized"),
    ];
    for (name, entries, expected) in cases {
        let path = dir.put(&format!("{name}.tar"), &tarred(entries));
        let text = read_failure(&path);
        assert!(text.contains(expected), "{name}: {text}");
    }
    assert!(read_failure(&dir.put("text", b"hello")).contains("neither a directory"));
    assert!(read_failure(&dir.0.join("none")).contains("could not be read"));
    let many: Vec<String> = (0..=MAX_ENTRIES).map(|n| format!("f{n}")).collect();
    let many: Vec<TarEntry<'_>> = many.iter().map(|name| (name.as_str(), FILE, &b""[..])).collect();
    assert!(read_failure(&dir.put("many.tar", &tarred(&many))).contains("more than 4096"));
    let cut = zstd::encode_all(&tarred(&[("m", FILE, &[7; 5000])])[..], 3).unwrap();
    assert!(read_failure(&dir.put("cut.tar.zst", &cut[..cut.len() - 9])).contains("corrupt"));
}

#[test]
fn an_archive_that_goes_on_after_its_end_is_rejected() {
    let dir = ReaderTempDir::new("after");
    let tar = tarred(&[("m", FILE, b"x")]);
    let compress = |bytes: &[u8]| zstd::encode_all(bytes, 3).unwrap();
    let padded = [&tar[..], &[0; 10_000]].concat();
    for (name, bytes) in [("a.tar", padded.clone()), ("a.tar.zst", compress(&padded))] {
        assert_eq!(BundleReader::open(&dir.put(name, &bytes), "m").unwrap().files().len(), 1, "{name}");
    }
    let hidden = [&tar[..], b"garbage"].concat();
    let late = [&padded[..], b"garbage"].concat();
    for (name, bytes) in [
        ("b.tar", hidden.clone()),
        ("c.tar", late.clone()),
        ("b.tar.zst", compress(&hidden)),
        ("c.tar.zst", compress(&late)),
        ("two.tar.zst", [compress(&tar), compress(&tar)].concat()),
    ] {
        let text = read_failure(&dir.put(name, &bytes));
        assert!(text.contains("the archive is corrupt: it has bytes after its end"), "{name}: {text}");
    }
    let text = read_failure(&dir.put("d.tar.zst", &[&compress(&tar)[..], b"garbage"].concat()));
    assert!(text.contains("the archive is corrupt: "), "{text}");
}

#[test]
fn a_link_in_a_directory_is_rejected() {
    let dir = ReaderTempDir::new("links");
    dir.put("b/m", b"");
    std::os::unix::fs::symlink("/etc", dir.0.join("b/l")).unwrap();
    assert!(read_failure(&dir.0.join("b")).contains("`l` is not a regular file"));
}

/// Archives that claim, or decompress to, too much: neither is read into memory.
#[test]
fn bombs_end_in_an_error() {
    let dir = ReaderTempDir::new("bombs");
    let mut header = Header::new_gnu();
    header.set_path("m").unwrap();
    header.set_size(MAX_FILE_BYTES + 1);
    header.set_cksum();
    assert!(read_failure(&dir.put("size.tar", header.as_bytes())).contains("the limit is"));
    // Directory headers alone: the entry limit is reached before the size limit.
    let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
    header.set_size(0);
    header.set_entry_type(EntryKind::Directory);
    header.set_cksum();
    for _ in 0..100_000 {
        encoder.write_all(header.as_bytes()).unwrap();
    }
    assert!(read_failure(&dir.put("headers.tar.zst", &encoder.finish().unwrap())).contains("more than 4096"));
    // A window larger than the decoder's limit.
    let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
    encoder.window_log(30).unwrap();
    encoder.write_all(&tarred(&[("m", FILE, &[0; 2048])])).unwrap();
    let text = read_failure(&dir.put("window.tar.zst", &encoder.finish().unwrap()));
    assert!(text.contains("corrupt"), "{text}");
}
