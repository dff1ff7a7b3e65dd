#!/usr/bin/env python3
"""Makes the golden files beside this script: what a real dockerd 20.10.24 did with odd layers.

    make.py OVERLAY2_SOCKET OVERLAY2_DATA_ROOT VFS_SOCKET VFS_DATA_ROOT

Both daemons must be fresh and private. Each case is a layer, loaded as an image of its own. In
layers.tar.gz, CASE.tar is the layer, CASE.split its tar-split.json and CASE.json what became of
it per driver: `error`, or `tree` (a line per file), `size` and `save` (whether `docker save`
gives the layer back). Times of the run itself read `now`.
"""
import gzip, hashlib, io, json, os, stat, struct, subprocess, sys, tarfile, tempfile, time, zlib

started = time.time() - 1
here = os.path.dirname(os.path.abspath(__file__))


def head(name, size=0, typ=b"0", mode=0o644, link="", mtime=1_000_000_000, uid=0, gid=0, dev=(0, 0), pax=None):
    info = tarfile.TarInfo(name)
    info.size, info.type, info.mode, info.linkname, info.mtime = size, typ, mode, link, mtime
    info.uid, info.gid, (info.devmajor, info.devminor), info.pax_headers = uid, gid, dev, pax or {}
    return info


def f(name, data=b"x", **more):
    return (head(name, len(data), **more), data)


def d(name, mode=0o755, **more):
    return (head(name, 0, b"5", mode, **more), b"")


def ln(name, to, typ=b"1", **more):
    return (head(name, 0, typ, link=to, **more), b"")


def make(entries, fmt=tarfile.USTAR_FORMAT, tail=b"\0" * 1024):
    out = b""
    for info, data in entries:
        out += info.tobuf(fmt, "utf-8", "surrogateescape") + data + b"\0" * (-len(data) % 512)
    return out + tail


def fixed(block):
    """The block with its checksum made right."""
    block = block[:148] + b" " * 8 + block[156:]
    return block[:148] + b"%06o\0 " % sum(block) + block[156:]


def record(key, value):
    body = b" " + key + b"=" + value + b"\n"
    n = len(body) + 1
    while len(str(n)) + len(body) != n:
        n += 1
    return str(n).encode() + body


def special(typ, payload, name="special"):
    return head(name, len(payload), typ).tobuf(tarfile.USTAR_FORMAT) + payload + b"\0" * (-len(payload) % 512)


def x(*records, typ=b"x", name="PaxHeaders.0/x"):
    return special(typ, b"".join(record(k, v) for k, v in records), name)


def sparse(fmt):
    with tempfile.TemporaryDirectory() as t:
        with open(t + "/s", "wb") as out:
            out.write(b"A" * 4096); out.seek(1 << 16); out.write(b"B" * 4096); out.truncate(1 << 17)
        os.utime(t + "/s", (1e9, 1e9))
        subprocess.check_call(["tar", "-C", t, "--sparse", "--owner=0", "--group=0", "--numeric-owner", *fmt, "-cf", t + "/t", "s"])
        return open(t + "/t", "rb").read()


C = {}
C["plain"] = make([d("d/"), f("d/a", b"hello"), f("e", b"y" * 1024)])
C["dotslash"] = make([d("./", 0o711, uid=7, gid=8), d("./d/"), f("./d/a")])
C["rootslash"] = make([d("/", 0o711, uid=7, gid=8), f("/a")])
C["rootup"] = make([d("..", 0o711), f("../../esc"), f("a/../../b")])
C["rootfile"] = make([f(".", b"x"), f("a")])
C["notail"] = make([f("a")], tail=b"")
C["nopad"] = make([f("a")])[:513]
C["halfpad"] = make([f("a")])[:600]
C["oneblock"] = make([f("a")], tail=b"\0" * 512)
C["bigtail"] = make([f("a")], tail=b"\0" * 10240)
C["garbagetail"] = make([f("a")], tail=b"\0" * 1024 + b"garbage!" * 100)
C["zeronot"] = make([f("a")], tail=b"\0" * 512 + b"garbage!" * 64)
C["empty"] = b"\0" * 1024
C["zerolen"] = b""
C["badpad"] = make([f("a", b"1")])[:512] + b"1" + b"PADPAD" + b"\0" * (511 - 6) + b"\0" * 1024
C["dup"] = make([f("a", b"1"), f("a", b"22")])
C["dupclean"] = make([f("a", b"1"), f("./a", b"22")])
C["dupdir"] = make([d("d/"), d("d/")])
C["longgnu"] = make([f("n" * 150 + "/" + "m" * 100, b"z")], tarfile.GNU_FORMAT)
C["longlink"] = make([f("n" * 120), ln("l", "n" * 120), ln("s", "t" * 200, b"2")], tarfile.GNU_FORMAT)
C["longustar"] = make([f("n" * 100 + "/" + "m" * 100, b"z")])
C["pax"] = make([f("n" * 150 + "/" + "m" * 120 + "é", b"z")], tarfile.PAX_FORMAT)
C["nonutf8"] = make([f("caf\udce9", b"z")], tarfile.GNU_FORMAT)
C["escapes"] = make([f("<&>\"\\\t\u2028é\x7f")], tarfile.GNU_FORMAT)
C["hardlink"] = make([f("a", b"hello", uid=1, mode=0o600), ln("b", "a", uid=2, mode=0o4755, mtime=5)])
C["hardlinksize"] = make([f("a", b"hello"), (head("b", 5, b"1", link="a"), b"")])
C["hardlinkabs"] = make([d("d/"), f("d/a", b"hello"), ln("b", "/d/a"), ln("c", "../d/./a"), ln("e", "d/../d/a", mode=0o600)])
C["hardlinkmiss"] = make([ln("b", "nope")])
C["hardlinksym"] = make([ln("s", "/nonexist", b"2", uid=3), ln("h", "s", uid=4, mode=0o600, mtime=7)])
C["hardlinkdir"] = make([d("d/"), ln("h", "d")])
C["symlink"] = make([ln("s", "/nonexist", b"2", uid=3, gid=4, mode=0o777), ln("o", "../../..", b"2"), f("o/through")])
C["symparent"] = make([d("usr/lib/"), ln("lib", "/usr/lib", b"2"), f("lib/x", b"abc"), ln("loop", "loop", b"2")])
C["symloop"] = make([ln("loop", "loop", b"2"), f("loop/x")])
C["symdangle"] = make([ln("s", "nowhere", b"2"), f("s/x")])
C["symdangle2"] = make([ln("s", "nowhere", b"2"), f("s/y/x")])
C["fileparent"] = make([f("a"), f("a/b")])
C["wh"] = make([f(".wh.foo", b"", uid=5, gid=6), d("d/"), f("d/.wh..wh..opq", b"")])
C["whsame"] = make([f("foo"), f(".wh.foo", b"")])
C["whroot"] = make([f(".wh..wh..opq", b""), f("a")])
C["whodd"] = make([d("d/"), f("d/.wh.", b"")])
C["whplnk"] = make([d(".wh..wh.plnk/"), f(".wh..wh.plnk/1.2", b"shared"), ln("a", ".wh..wh.plnk/1.2"), f(".wh..wh.aufs", b"")])
C["whdir"] = make([d(".wh.gone/"), f("n/.wh.x", b"")])
C["opqorder"] = make([d("d/"), f("d/a"), f("d/i/b"), f("d/.wh..wh..opq", b""), f("d/c")])
C["fifodev"] = make([(head("p", 0, b"6", 0o622), b""), (head("c", 0, b"3", 0o660, dev=(5, 300), uid=1), b""), (head("b", 0, b"4", dev=(8, 1)), b"")])
C["special"] = make([f("su", b"x", mode=0o6755, uid=1, gid=2), d("st", 0o1777), d("sg/", 0o2755, gid=5), f("sg/in"), f("sg/im/p")])
C["modebits"] = make([f("a", mode=0o100755), d("d/", 0o40755)])
C["replace"] = make([d("d/"), f("d/f", b"123"), ln("q", "d", b"2"), f("q/f2"), f("e"), f("e/../e2")])
C["overdir"] = make([d("d/"), f("d/f"), ln("l", ".", b"2"), f("l/d", b"now a file")])
C["implied"] = make([f("x/y/z/f"), d("x/y/", 0o700)])
C["emptyname"] = make([f("a")])[:1024] + fixed(b"\0" * 100 + make([f("b")])[100:512]) + b"\0" * 1536
C["dirslash"] = make([(head("t/", 1), b"x")])
C["v7"] = fixed(make([f("a", b"1")])[:156] + b"\0" + b"\0" * 355) + make([f("a", b"1")])[512:]
C["v7dir"] = fixed(make([d("d/")])[:156] + b"\0" + b"\0" * 355) + b"\0" * 1024
C["star"] = fixed(make([f("a", b"1")])[:476] + b"00000000001\0" + b"00000000002\0" + b"\0" * 8 + b"tar\0") + make([f("a", b"1")])[512:]
C["gnutimes"] = fixed(make([f("a", b"1")], tarfile.GNU_FORMAT)[:345] + b"10000000000\0" * 2 + b"\0" * 143) + make([f("a", b"1")])[512:]
C["base256"] = make([f("a", uid=3_000_000, gid=2_500_000, mtime=-5), ln("s", "t", b"2", mtime=-5), d("d", mtime=-5)], tarfile.GNU_FORMAT)
C["types"] = make([(head("c", 0, b"7"), b"")])
C["socket"] = make([(head("c", 0, b"s"), b"")])
C["global"] = x((b"comment", b"hi"), typ=b"g", name="pax_global_header") + make([f("a")])
C["globals"] = x((b"comment", b"hi"), typ=b"g", name="g1") + make([f("a")], tail=b"") + x((b"path", b"b"), typ=b"g", name="g2") + make([f("c")])
C["paxtimes"] = x((b"mtime", b"1234567890.123456789"), (b"atime", b"1334567890.5")) + make([f("a")], tail=b"") + x((b"mtime", b"1234567890.25")) + make([d("d")], tail=b"") + x((b"mtime", b"-1.5"), (b"atime", b"5.000000001")) + make([ln("s", "t", b"2")])
C["paxfar"] = x((b"mtime", b"99999999999")) + make([f("a")], tail=b"") + x((b"mtime", b"99999999999")) + make([ln("s", "t", b"2")])
C["paxids"] = x((b"uid", b"70000"), (b"gid", b"80000"), (b"size", b"3"), (b"path", b"real\xff"), (b"linkpath", b"")) + make([f("a", b"xyz")])
C["paxxattr"] = x((b"SCHILY.xattr.user.foo", b"bar\0="), (b"SCHILY.xattr.security.capability", bytes.fromhex("0100000200200000000000000000000000000000")), (b"SCHILY.xattr.user.empty", b""), (b"SCHILY.xattr.trusted.t", b"1")) + make([f("a", mode=0o4755, uid=9)], tail=b"") + x((b"SCHILY.xattr.trusted.d", b"2")) + make([d("d")])
C["xattrsym"] = x((b"SCHILY.xattr.user.foo", b"bar")) + make([ln("s", "t", b"2")])
C["xattrbad"] = x((b"SCHILY.xattr.nonsense", b"bar")) + make([f("a")])
C["paxtwice"] = x((b"path", b"one")) + x((b"mtime", b"5")) + make([f("a")])
C["paxlast"] = make([f("a")], tail=b"") + x((b"path", b"one"))
C["paxbad"] = special(b"x", b"99 path=a\n") + make([f("a")])
C["paxnul"] = special(b"x", b"11 path=a\0b\n") + make([f("a")])
C["paxhuge"] = special(b"x", record(b"comment", b"c" * (1 << 20))) + make([f("a")])
C["gnuhuge"] = special(b"L", b"n" * ((1 << 20) + 1)) + make([f("a")])
C["gnusparse"] = sparse(["--format=gnu"])
C["sparse00"] = sparse(["--format=posix", "--sparse-version=0.0"])
C["sparse01"] = sparse(["--format=posix", "--sparse-version=0.1"])
C["sparse10"] = sparse(["--format=posix", "--sparse-version=1.0"])
C["cuthead"] = make([f("a")])[:300]
C["cutdata"] = make([f("a", b"y" * 2000)])[:1024]
C["cuthead2"] = make([f("a"), f("b")])[:1200]
C["cutpax"] = x((b"comment", b"c" * 600))[:700]
C["badsum"] = b"Z" + make([f("a")])[1:]
C["badnumber"] = fixed(make([f("a")])[:124] + b"8" * 12 + make([f("a")])[136:512]) + b"\0" * 1024
C["negsize"] = fixed(make([f("a")])[:124] + b"\xff" * 12 + make([f("a")])[136:512]) + b"\0" * 1024
C["neglink"] = make([f("a")], tail=b"") + fixed(make([ln("l", "a")])[:124] + b"\xff" * 12 + make([ln("l", "a")])[136:512]) + b"\0" * 1024
C["hugesize"] = fixed(make([f("a")])[:124] + b"\x80" + b"\0" * 3 + b"\x7f" + b"\xff" * 7 + make([f("a")])[136:512]) + b"\0" * 1024
C["text"] = b"this is no archive at all\n" * 40
everything = [d("./"), d("bin", 0o755), f("bin/su", b"#!", mode=0o4755), d("tmp", 0o1777), d("home/u", 0o700, uid=1000, gid=1000),
    f("home/u/.profile", b"export A=1\n", uid=1000, gid=1000, mode=0o600, mtime=1_600_000_000), ln("home/u/link", "home/u/.profile", uid=1000, gid=1000),
    ln("sh", "bin/su", b"2"), (head("dev/null", 0, b"3", 0o666, dev=(1, 3)), b""), (head("run/fifo", 0, b"6", 0o600), b""),
    d("old"), f("old/.wh..wh..opq", b""), f("etc/.wh.gone", b""), f("big", bytes(range(256)) * 600)]
C["everything"] = make(everything, tarfile.PAX_FORMAT, tail=b"\0" * 5120)


def image(layer, name):
    digest = hashlib.sha256(layer).hexdigest()
    config = {"architecture": "amd64", "os": "linux", "config": {}, "created": "2026-01-01T00:00:00Z",
              "history": [{"created": "2026-01-01T00:00:00Z"}], "rootfs": {"type": "layers", "diff_ids": ["sha256:" + digest]}}
    config = json.dumps(config).encode()
    file = hashlib.sha256(config).hexdigest() + ".json"
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        manifest = json.dumps([{"Config": file, "RepoTags": [name + ":1"], "Layers": ["l/layer.tar"]}]).encode()
        for name, data in ((file, config), ("l/layer.tar", layer), ("manifest.json", manifest)):
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return out.getvalue(), digest


def when(ns):
    return "now" if started < ns / 1e9 < time.time() + 1 else "%d.%09d" % divmod(ns, 10**9)


def tree(root):
    lines = []
    stats = {}
    for dir, dirs, files in os.walk(os.fsencode(root)):
        for name in [b"."] + dirs + files:
            stats[os.path.join(dir, name)] = os.lstat(os.path.join(dir, name))
    for dir, dirs, files in os.walk(os.fsencode(root)):
        for name in sorted([b"."] * (dir == os.fsencode(root)) + dirs + files):
            path = os.path.join(dir, name)
            st = stats[path]
            shown = os.path.relpath(path, os.fsencode(root)).decode("utf-8", "backslashreplace")
            kind = {stat.S_IFREG: "f", stat.S_IFDIR: "d", stat.S_IFLNK: "l", stat.S_IFCHR: "c", stat.S_IFBLK: "b", stat.S_IFIFO: "p"}[stat.S_IFMT(st.st_mode)]
            words = [shown, kind, "%04o" % stat.S_IMODE(st.st_mode), f"{st.st_uid}:{st.st_gid}", when(st.st_mtime_ns)]
            words.append("atime=" + when(st.st_atime_ns) if kind == "f" or kind == "p" else "")
            if kind == "f":
                data = open(path, "rb").read()
                words.append(f"{len(data)}:{hashlib.sha256(data).hexdigest()[:16]}")
            if kind == "l":
                words.append("-> " + os.readlink(path).decode("utf-8", "backslashreplace"))
            if kind in "cb":
                words.append(f"{os.major(st.st_rdev)}:{os.minor(st.st_rdev)}")
            if kind != "d" and st.st_nlink > 1:
                words.append(f"links={st.st_nlink}")
            for key in sorted(os.listxattr(path, follow_symlinks=False)):
                words.append(key + "=" + os.getxattr(path, key, follow_symlinks=False).hex())
            lines.append(" ".join(w for w in words if w))
    return sorted(lines)


def run(driver, socket, data, name, layer):
    env = dict(os.environ, DOCKER_HOST="unix://" + socket)
    content, digest = image(layer, "golden-" + name)
    loaded = subprocess.run(["docker", "load"], input=content, env=env, capture_output=True)
    if loaded.returncode:
        return {"error": loaded.stderr.decode().strip()}, None
    layerdb = f"{data}/image/{driver}/layerdb/sha256/{digest}"
    cache = open(layerdb + "/cache-id").read()
    root = f"{data}/overlay2/{cache}/diff" if driver == "overlay2" else f"{data}/vfs/dir/{cache}"
    result = {"tree": tree(root), "size": int(open(layerdb + "/size").read())}
    split = gzip.open(layerdb + "/tar-split.json.gz").read()
    saved = subprocess.run(["docker", "save", f"golden-{name}:1"], env=env, capture_output=True)
    result["save"] = "exact"
    if saved.returncode:
        result["save"] = saved.stderr.decode().strip().replace(digest, "DIGEST").replace(root, "ROOT")
    else:
        tar = tarfile.open(fileobj=io.BytesIO(saved.stdout))
        back = tar.extractfile(json.load(tar.extractfile("manifest.json"))[0]["Layers"][0]).read()
        if back != layer:
            result["save"] = "differs"
    subprocess.run(["docker", "rmi", f"golden-{name}:1"], env=env, capture_output=True)
    return result, split


def main():
    drivers = {"overlay2": sys.argv[1:3], "vfs": sys.argv[3:5]}
    with open(f"{here}/layers.tar.gz", "wb") as file, gzip.GzipFile("", "wb", 9, file, 0) as gz, tarfile.open(fileobj=gz, mode="w", format=tarfile.USTAR_FORMAT) as out:

        def member(name, data):
            info = tarfile.TarInfo(name)
            info.size = len(data)
            out.addfile(info, io.BytesIO(data))

        for name, layer in C.items():
            result = {}
            member(name + ".tar", layer)
            for driver, (socket, data) in drivers.items():
                result[driver], split = run(driver, socket, data, name, layer)
                if split is not None and driver == "overlay2":
                    member(name + ".split", split)
            member(name + ".json", json.dumps(result, indent=1).encode())
            print(name, {k: v.get("error", v.get("save")) for k, v in result.items()})


main()
