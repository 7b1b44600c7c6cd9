#!/usr/bin/python3
"""image.py OUT.tar NAME:TAG ENTRYPOINT [--argument A]... [--env K=V]... [--file SRC=DEST]... [--link TARGET=DEST]...

Packs files into a container image of one layer, as an OCI layout that
`ctr images import` takes. The same files give the same image: no clock, no
owner, no order of the disk gets in.
"""
import argparse
import hashlib
import io
import json
import os
import tarfile


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("out")
    parser.add_argument("name")
    parser.add_argument("entrypoint")
    for option in ("--argument", "--env", "--file", "--link"):
        parser.add_argument(option, action="append", default=[])
    arguments = parser.parse_args()

    blobs = {}
    layer = add(blobs, "layer.v1.tar", pack(arguments.file, arguments.link))
    config = add(blobs, "config.v1+json", to_json({
        "architecture": "amd64",
        "os": "linux",
        "config": {
            "Env": ["PATH=/bin"] + arguments.env,
            "Entrypoint": [arguments.entrypoint],
            "Cmd": arguments.argument,
        },
        "rootfs": {"type": "layers", "diff_ids": [layer["digest"]]},
    }))
    manifest = add(blobs, "manifest.v1+json", to_json({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": config,
        "layers": [layer],
    }))
    # containerd takes the image's name from this annotation.
    manifest["annotations"] = {"io.containerd.image.name": arguments.name}
    index = to_json({"schemaVersion": 2, "manifests": [manifest]})
    with tarfile.open(arguments.out, "w") as out:
        put(out, "oci-layout", b'{"imageLayoutVersion":"1.0.0"}')
        put(out, "index.json", index)
        for digest, content in blobs.items():
            put(out, "blobs/sha256/" + digest, content)


def pack(files, links):
    """The layer: a tar of the files, their folders, and a /tmp for everyone."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as layer:
        folders = set()
        folder(layer, folders, "tmp", 0o1777)
        for source, destination in (pair.rsplit("=", 1) for pair in files):
            folder(layer, folders, os.path.dirname(destination.lstrip("/")), 0o755)
            with open(source, "rb") as file:
                put(layer, destination.lstrip("/"), file.read(), os.stat(source).st_mode & 0o777)
        for target, destination in (pair.rsplit("=", 1) for pair in links):
            folder(layer, folders, os.path.dirname(destination.lstrip("/")), 0o755)
            info = tarfile.TarInfo(destination.lstrip("/"))
            info.type, info.linkname = tarfile.SYMTYPE, target
            layer.addfile(info)
    return content.getvalue()


def folder(layer, folders, path, mode):
    if not path or path in folders:
        return
    folder(layer, folders, os.path.dirname(path), 0o755)
    folders.add(path)
    info = tarfile.TarInfo(path)
    info.type, info.mode = tarfile.DIRTYPE, mode
    layer.addfile(info)


def put(archive, name, content, mode=0o644):
    info = tarfile.TarInfo(name)
    info.size, info.mode = len(content), mode
    archive.addfile(info, io.BytesIO(content))


def add(blobs, kind, content):
    digest = hashlib.sha256(content).hexdigest()
    blobs[digest] = content
    return {
        "mediaType": "application/vnd.oci.image." + kind,
        "digest": "sha256:" + digest,
        "size": len(content),
    }


def to_json(value):
    return json.dumps(value, sort_keys=True).encode()


main()
