#!/usr/bin/env python3
"""Makes commits.tar.gz: what `docker commit` of a real dockerd 20.10.24 made of changed trees.

    make_commit.py OVERLAY2_SOCKET OVERLAY2_DATA_ROOT VFS_SOCKET VFS_DATA_ROOT

The daemons must be fresh and private; /etc/passwd must name 0 `root` and 1 `daemon`, and nobody
4242. overlay2.json and vfs.json say how to make the trees (a list of files each: kind, path, mode,
owner, mtime in nanoseconds, content, link, device, attributes), overlay2.tar and vfs.tar are the
committed layers. base.json is the tree that vfs started from; vfs.diff is what `docker diff` said.
"""
import gzip, io, json, os, subprocess, sys, tarfile

here = os.path.dirname(os.path.abspath(__file__))
T = 1_500_000_000_123_456_789
long = "l" * 90


def e(kind, path, mode=0o644, uid=0, gid=0, mtime=T, **more):
    return dict(kind=kind, path=path, mode=mode, uid=uid, gid=gid, mtime=mtime, **more)


common = [
    e("d", "a", 0o755), e("f", "a/file", data="hello\n"), e("f", "a.txt", data="sorts after a/ by name"),
    e("f", "a/empty", 0o600, 1, 1), e("f", "a/block", data="x" * 512), e("f", "a/su", 0o4755, 4242, 4242, data="#!"),
    e("h", "a/link", link="a/file"), e("h", "b-link", link="a/file"),
    e("l", "s", 0o777, link="/a/file"), e("l", "slong", 0o777, 1, 1, link="t" * 120), e("l", "sutf", 0o777, link="é"),
    e("h", "sother", link="s"),
    e("d", "d", 0o1777, 1, 0), e("d", "d/e", 0o2755, mtime=-1_500_000_000), e("f", "d/e/old", mtime=-1),
    e("f", "d/future", mtime=9_000_000_000 * 10**9 + 5), e("f", "d/utf8-é-ü", data="1"), e("f", "d/quote\"\\<&>", data="2"),
    e("d", "raw\udcff", 0o755), e("f", "raw\udcff/\udcfe", data="3"),
    e("f", "big-ids", uid=3_000_000, gid=2_097_152), e("f", "max-ids", uid=2_097_151, gid=2_097_151),
    e("d", long, 0o755), e("f", long + "/" + "m" * 60, data="ustar prefix"), e("d", long + "/" + "n" * 60, 0o755),
    e("f", long + "/" + "n" * 100, data="100"), e("f", long + "/" + "n" * 101, data="101"),
    e("f", long + "/" + "n" * 60 + "/" + "p" * 120, data="pax"), e("d", long + "/" + "n" * 60 + "/" + "q" * 100, 0o755),
    e("f", "n" * 100, data="z"), e("f", "n" * 101, data="z"), e("d", "o" * 99, 0o755), e("d", "o" * 100, 0o755),
    e("f", "cap", 0o755, data="c", xattrs={"security.capability": "0100000200200000000000000000000000000000"}),
    e("f", "cap3", 0o755, data="c", xattrs={"security.capability": "010000030020000000000000000000000000000000e80300"}),
    e("f", "attrs", data="a", xattrs={"user.x": "78", "trusted.y": "79"}),
    e("c", "char", 0o660, 0, 1, device=[5, 300]), e("b", "blk", 0o600, device=[8, 17]), e("p", "fifo", 0o622), e("s", "socket"),
    e("f", ".wh.literal", data=""), e("f", "many", data="abc" * 5000),
]
overlay = common + [
    e("c", "gone", 0, device=[0, 0]), e("h", "a/gone2", link="gone"), e("h", "d/gone-é", link="gone"),
    e("c", "gone-other", 0, 4242, 1, device=[0, 0]),
    e("d", "opaque", 0o2750, 1, 1, xattrs={"trusted.overlay.opaque": "79"}), e("f", "opaque/in", data="x"),
    e("d", long + "/opaque-é", 0o700, xattrs={"trusted.overlay.opaque": "79"}),
    e("d", "origin", 0o755, xattrs={"trusted.overlay.impure": "79"}),
]
base = [
    e("d", "keep", 0o755), e("f", "keep/same", data="same"), e("f", "keep/changed", data="old"), e("f", "keep/gone", data="x"),
    e("d", "keep/gonedir", 0o755), e("f", "keep/gonedir/in", data="x"), e("d", "deep", 0o755), e("d", "deep/er", 0o755),
    e("f", "deep/er/f", data="x"), e("f", "chmod", 0o644, data="x"), e("f", "chown", data="x"), e("f", "touched", data="x"),
    e("f", "cut", data="x"), e("f", "to-dir", data="x"), e("d", "to-file", 0o755), e("f", "to-file/in", data="x"),
    e("f", "capped", 0o755, data="x"), e("l", "relinked", 0o777, link="one"),
]
# what is done to `base` on vfs, beside `common`
vfs = common + [
    e("rm", "keep/changed"), e("f", "keep/changed", data="new"), e("rm", "keep/gone"), e("rm", "keep/gonedir"), e("f", "keep/new-\"<é", data="y"),
    e("f", "deep/er/g", data="y"), e("rm", "chmod"), e("f", "chmod", 0o600, data="x"), e("rm", "chown"), e("f", "chown", uid=1, data="x"),
    e("rm", "touched"), e("f", "touched", mtime=T + 1, data="x"), e("rm", "cut"), e("f", "cut", mtime=T // 10**9 * 10**9, data="x"),
    e("rm", "to-dir"), e("d", "to-dir", 0o755), e("f", "to-dir/in", data="x"), e("rm", "to-file"), e("f", "to-file", data="x"),
    e("rm", "capped"), e("f", "capped", 0o755, data="x", xattrs={"security.capability": "0100000200200000000000000000000000000000"}),
    e("rm", "relinked"), e("l", "relinked", 0o777, link="two"),
    e("touch", "keep", 0o755), e("touch", "deep/er", 0o755), e("touch", "deep", 0o755),
]


def raw(text):
    return text.encode("utf-8", "surrogateescape")


def build(root, spec):
    root = os.fsencode(root) + b"/"
    for i in spec:
        path, link, kind = root + raw(i["path"]), raw(i.get("link", "")), i["kind"]
        if kind == "rm":
            subprocess.check_call(["rm", "-rf", path])
            continue
        if kind == "h":
            os.link(root + link, path, follow_symlinks=False)
            continue
        if kind == "d":
            os.mkdir(path)
        elif kind == "f":
            with open(path, "xb") as file:
                file.write(i.get("data", "").encode())
        elif kind == "l":
            os.symlink(link, path)
        elif kind in "cbps":
            os.mknod(path, {"c": 0o020000, "b": 0o060000, "p": 0o010000, "s": 0o140000}[kind], os.makedev(*i.get("device", [0, 0])))
        os.chown(path, i["uid"], i["gid"], follow_symlinks=False)
        for key, value in i.get("xattrs", {}).items():
            os.setxattr(path, key, bytes.fromhex(value), follow_symlinks=False)
        if kind != "l":
            os.chmod(path, i["mode"])
    for i in reversed(spec):
        if i["kind"] not in ("rm", "h"):
            os.utime(root + raw(i["path"]), ns=(i["mtime"], i["mtime"]), follow_symlinks=False)


def docker(*args, **more):
    return subprocess.run(["docker", *args], stdout=subprocess.PIPE, check=True, **more).stdout


def commit(driver, socket, data, below, spec):
    os.environ["DOCKER_HOST"] = "unix://" + socket
    tmp = f"/tmp/golden-{os.getpid()}-{driver}"
    os.mkdir(tmp)
    build(tmp, below)
    tar = subprocess.check_output(["tar", "-C", tmp, "--format=posix", "--xattrs", "--numeric-owner", "-cf", "-", "."])
    docker("import", "-", "golden-base", input=tar)
    subprocess.check_call(["rm", "-rf", tmp])
    id = docker("create", "golden-base", "x").decode().strip()
    mount = open(f"{data}/image/{driver}/layerdb/mounts/{id}/mount-id").read()
    build(f"{data}/overlay2/{mount}/diff" if driver == "overlay2" else f"{data}/vfs/dir/{mount}", spec)
    diff = docker("diff", id)
    docker("commit", id, "golden-commit")
    saved = tarfile.open(fileobj=io.BytesIO(docker("save", "golden-commit")))
    layer = json.load(saved.extractfile("manifest.json"))[0]["Layers"][-1]
    return saved.extractfile(layer).read(), diff


def main():
    with open(f"{here}/commits.tar.gz", "wb") as file, gzip.GzipFile("", "wb", 9, file, 0) as gz, tarfile.open(
        fileobj=gz, mode="w", format=tarfile.USTAR_FORMAT
    ) as out:

        def member(name, data):
            info = tarfile.TarInfo(name)
            info.size = len(data)
            out.addfile(info, io.BytesIO(data))

        def spec(name, files):
            bytes = lambda key, value: list(raw(value)) if key in ("path", "link") else value
            member(name, json.dumps([{k: bytes(k, v) for k, v in i.items()} for i in files]).encode())

        layer, _ = commit("overlay2", *sys.argv[1:3], [], overlay)
        spec("overlay2.json", overlay)
        member("overlay2.tar", layer)
        layer, diff = commit("vfs", *sys.argv[3:5], base, vfs)
        spec("base.json", base)
        spec("vfs.json", vfs)
        member("vfs.tar", layer)
        member("vfs.diff", diff)


main()
