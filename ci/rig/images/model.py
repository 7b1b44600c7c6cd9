#!/usr/bin/python3
"""model.py OUT.gguf LAYERS WIDTH [--half]

Makes a llama model of random weights with a vocabulary of bytes and letters.
It talks nonsense at real cost: a request runs through Ollama's real loader,
scheduler and inference. The standard library is enough, and the same
arguments give the same bytes.

The end token is never drawn (its row of the output is zero, as are those of
the bytes), so a generation runs for as many tokens as the request asks for.

--half is for a model with many weights: in 16 bits, and repeated from a pool of
a million, which is quick to make.
"""
import array
import math
import random
import struct
import sys

UINT32, FLOAT32, BOOL, STRING, ARRAY, INT32 = 4, 6, 7, 8, 9, 5
NORMAL, UNKNOWN, CONTROL, BYTE = 1, 2, 3, 6
ALIGNMENT = 32
IN_32_BITS, IN_16_BITS = 0, 1
LETTERS = "etaoinshrdlucmfwypvbgkjqxzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.,!?:;-'\"\n"


def main():
    out, layers, width = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    half = sys.argv[4:] == ["--half"]
    tokens, scores, kinds = vocabulary()
    # The CUDA back end has kernels for heads of 64.
    heads, inner = max(2, width // (64 if half else 32)), 3 * width
    settings = [
        ("general.architecture", STRING, "llama"),
        ("general.name", STRING, "tiny-random"),
        ("general.file_type", UINT32, IN_16_BITS if half else IN_32_BITS),
        ("llama.context_length", UINT32, 2048),
        ("llama.embedding_length", UINT32, width),
        ("llama.block_count", UINT32, layers),
        ("llama.feed_forward_length", UINT32, inner),
        ("llama.attention.head_count", UINT32, heads),
        ("llama.attention.head_count_kv", UINT32, heads),
        ("llama.attention.layer_norm_rms_epsilon", FLOAT32, 1e-5),
        ("llama.rope.dimension_count", UINT32, width // heads),
        ("llama.vocab_size", UINT32, len(tokens)),
        ("tokenizer.ggml.model", STRING, "llama"),
        ("tokenizer.ggml.tokens", ARRAY, (STRING, tokens)),
        ("tokenizer.ggml.scores", ARRAY, (FLOAT32, scores)),
        ("tokenizer.ggml.token_type", ARRAY, (INT32, kinds)),
        ("tokenizer.ggml.bos_token_id", UINT32, 1),
        ("tokenizer.ggml.eos_token_id", UINT32, 2),
        ("tokenizer.ggml.unknown_token_id", UINT32, 0),
        ("tokenizer.ggml.add_bos_token", BOOL, True),
        ("tokenizer.ggml.add_space_prefix", BOOL, False),
    ]
    with open(out, "wb") as file:
        write(file, settings, tensors(len(tokens), layers, width, inner, weights_in_16_bits if half else weights_in_32_bits))


def vocabulary():
    tokens = ["<unk>", "<s>", "</s>"] + ["<0x%02X>" % byte for byte in range(256)] + ["\u2581"] + list(LETTERS)
    scores = [0.0] * 259 + [-1.0 - rank for rank in range(len(tokens) - 259)]
    kinds = [UNKNOWN, CONTROL, CONTROL] + [BYTE] * 256 + [NORMAL] * (len(tokens) - 259)
    return tokens, scores, kinds


def weights_in_32_bits():
    chance = random.Random(1)

    def weights(rows, columns, scale=1.0):
        spread = scale * 0.5 / math.sqrt(columns)
        values = array.array("f", (chance.gauss(0, spread) for _ in range(rows * columns)))
        if sys.byteorder == "big":
            values.byteswap()
        return IN_32_BITS, bytearray(values.tobytes())

    return weights


def weights_in_16_bits():
    """Each matrix begins at the pool's start, so two of one shape are the same."""
    chance = random.Random(1)
    normal = [chance.gauss(0, 1) for _ in range(1_000_003)]  # a prime number: no two rows of a matrix are the same
    pools = {}

    def weights(rows, columns, scale=1.0):
        spread = scale * 0.5 / math.sqrt(columns)
        if spread not in pools:
            pools[spread] = struct.pack(f"<{len(normal)}e", *(spread * value for value in normal))
        pool, size = pools[spread], 2 * rows * columns
        return IN_16_BITS, bytearray((pool * (size // len(pool) + 1))[:size])

    return weights


def tensors(words, layers, width, inner, make_weights):
    """Tuples of (name, shape, kind, content); shapes are outermost first."""
    weights = make_weights()
    ones = IN_32_BITS, struct.pack(f"<{width}f", *[1.0] * width)
    output = weights(words, width)
    silent = 259 * len(output[1]) // words
    output[1][:silent] = bytes(silent)
    for name, shape, values in named(words, layers, width, inner, weights, ones, output):
        yield name, shape, *values


def named(words, layers, width, inner, weights, ones, output):
    yield "token_embd.weight", (words, width), weights(words, width, 8)
    yield "output.weight", (words, width), output
    yield "output_norm.weight", (width,), ones
    for layer in range(layers):
        block = f"blk.{layer}."
        yield block + "attn_norm.weight", (width,), ones
        yield block + "ffn_norm.weight", (width,), ones
        for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
            yield block + name + ".weight", (width, width), weights(width, width)
        yield block + "ffn_gate.weight", (inner, width), weights(inner, width)
        yield block + "ffn_up.weight", (inner, width), weights(inner, width)
        yield block + "ffn_down.weight", (width, inner), weights(width, inner)


def write(file, settings, all_tensors):
    """GGUF version 3: header, settings, table of tensors, tensors."""
    all_tensors = list(all_tensors)
    header = struct.pack("<4sIQQ", b"GGUF", 3, len(all_tensors), len(settings))
    for name, kind, value in settings:
        header += text(name) + struct.pack("<I", kind) + scalar(kind, value)
    offset = 0
    for name, shape, kind, content in all_tensors:
        header += text(name) + struct.pack("<I", len(shape))
        header += struct.pack(f"<{len(shape)}Q", *reversed(shape)) + struct.pack("<IQ", kind, offset)
        offset += padded(len(content))
    file.write(header.ljust(padded(len(header)), b"\0"))
    for _, _, _, content in all_tensors:
        file.write(content)
        file.write(bytes(padded(len(content)) - len(content)))


def scalar(kind, value):
    if kind == STRING:
        return text(value)
    if kind == ARRAY:
        inner, values = value
        return struct.pack("<IQ", inner, len(values)) + b"".join(scalar(inner, each) for each in values)
    return struct.pack({UINT32: "<I", INT32: "<i", FLOAT32: "<f", BOOL: "<?"}[kind], value)


def text(value):
    content = value.encode()
    return struct.pack("<Q", len(content)) + content


def padded(size):
    return -(-size // ALIGNMENT) * ALIGNMENT


main()
