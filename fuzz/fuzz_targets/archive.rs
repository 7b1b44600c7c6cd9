#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    gpuhpa_fuzz::archive(data);
});
