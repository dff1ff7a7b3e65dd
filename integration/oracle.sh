#!/bin/sh
# Fetches the real dockerds that judge minidock, by apt alone, and installs none of them:
# `apt-get download` and `dpkg -x` into target/oracle/VERSION. Never `apt-get install docker.io`: it would
# remove a user's Docker, start a daemon of its own, and take /var/lib/docker with it when purged.
#
#   integration/oracle.sh [DIRECTORY]     default: $MINIDOCK_ORACLE_DIR, else target/oracle
#
# What is there is used again; with all there, nothing is asked of the network. Afterwards DIRECTORY holds
#   first   -> VERSION   this system's own docker.io (20.10.24 on Debian 12)
#   second  -> VERSION   docker.io of Debian sid (28.5.2), with the first one's runc (sid's wants a newer C library)
#   second.absent        instead of `second`: why it is not to be had here, in one line
# and each VERSION its usr/bin, usr/sbin, and `extra` with shared libraries this system lacks.
# Also sees to the tools the stories use (mkfs.xfs, zstd, strace and the like), by `apt-get install` of small
# packages that start no service.
set -eu

here=$(cd "$(dirname "$0")/.." && pwd)
top=${1:-${MINIDOCK_ORACLE_DIR:-$here/target/oracle}}
mkdir -p "$top"
top=$(cd "$top" && pwd)
export LC_ALL=C DEBIAN_FRONTEND=noninteractive

say() { printf 'oracle: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

[ "$(id -u)" = 0 ] || die "the stories need root (mounts, namespaces): run as root, or with sudo"
command -v apt-get >/dev/null && command -v dpkg >/dev/null ||
    die "no apt here: the oracle comes from Debian's or Ubuntu's packages"

# One at a time: several test runs may want the oracle at once.
if [ "${ORACLE_LOCKED:-}" != 1 ] && command -v flock >/dev/null; then
    ORACLE_LOCKED=1 exec flock "$top" sh "$0" "$top"
fi

# $@: options for apt; refreshes the lists at most once, and only when something was not to be had without.
refreshed=no
refresh() {
    [ $refreshed = no ] || return 0
    say "apt-get update"
    apt-get -qq update >&2 || say "apt-get update failed; going on with the lists there are"
    refreshed=yes
}

tools() {
    missing=
    for pair in mkfs.xfs:xfsprogs mkfs.ext4:e2fsprogs zstd:zstd strace:strace losetup:mount tar:tar nsenter:util-linux \
        unshare:util-linux perl:perl-base tmux:tmux ps:procps iptables-save:iptables /usr/lib/podman/netavark:netavark /usr/lib/podman/aardvark-dns:aardvark-dns; do
        tool=${pair%%:*}
        PATH=$PATH:/usr/sbin:/sbin command -v "$tool" >/dev/null || missing="$missing ${pair#*:}"
    done
    [ -n "$missing" ] || return 0
    say "installing tools:$missing"
    # shellcheck disable=SC2086
    apt-get install -y -qq --no-install-recommends $missing >&2 && return 0
    refresh
    # shellcheck disable=SC2086
    apt-get install -y -qq --no-install-recommends $missing >&2
}

# The version of docker, without Debian's own suffix: 20.10.24+dfsg1-1+deb12u1 is 20.10.24.
upstream() { sed 's/^[0-9]*://; s/[-+~].*//'; }
candidate() { apt-cache "$@" policy docker.io | sed -n 's/^  Candidate: //p'; }

# $1: where to, the rest: what apt-get is given.
download() {
    into=$1
    shift
    mkdir -p "$into"
    (cd "$into" && apt-get -qq -o APT::Sandbox::User=root "$@" >&2)
}

# $1: directory of .debs, $2: where to unpack them.
unpack() {
    for deb in "$1"/*.deb; do dpkg -x "$deb" "$2"; done
}

# $1: an unpacked oracle; the rest: options for apt. Fetches the shared libraries that are missing here.
libraries() {
    root=$1
    shift
    lacking=$(ldd "$root"/usr/sbin/dockerd "$root"/usr/bin/containerd "$root"/usr/bin/docker 2>/dev/null |
        sed -n 's/^[[:space:]]*\([^ ]*\) => not found.*/\1/p' | sort -u)
    [ -n "$lacking" ] || return 0
    packages=$(apt-cache "$@" depends docker.io containerd | sed -n 's/^ *Depends: \(lib[^ ]*\)$/\1/p' | grep -v '^libc6$' | sort -u)
    say "fetching libraries for:" $lacking
    # shellcheck disable=SC2086
    download "$root/debs-extra" "$@" download $packages
    unpack "$root/debs-extra" "$root/extra"
}

first() {
    [ -e "$top/first/complete" ] && return 0
    found=$(candidate | upstream)
    case $found in '' | '(none)') refresh; found=$(candidate | upstream) ;; esac
    case $found in '' | '(none)') die "apt knows no docker.io on this system" ;; esac
    draft=$top/.draft-first
    rm -rf "$draft"
    say "fetching docker $found (this system's own)"
    get() {
        download "$draft/debs" download docker.io containerd runc tini busybox-static || return 1
        unpack "$draft/debs" "$draft"
        [ -x "$draft/usr/bin/docker" ] && return 0
        download "$draft/debs-cli" download docker-cli && unpack "$draft/debs-cli" "$draft"
    }
    get || { refresh; rm -rf "$draft"; get; } || die "docker.io $found could not be fetched"
    libraries "$draft"
    rm -rf "$draft"/debs*
    echo "$found" >"$draft/version"
    : >"$draft/complete"
    rm -rf "${top:?}/$found"
    mv "$draft" "$top/$found"
    ln -sfn "$found" "$top/first"
}

# Where this machine takes Debian's packages from, as its own apt configuration has it.
mirror() {
    apt-get indextargets --format '$(REPO_URI)|$(ORIGIN)|$(COMPONENT)|$(CREATED_BY)' |
        sed -n 's/|Debian|main|Packages$//p' | grep -v security | sort -u | head -n 1
}

second() {
    [ -e "$top/second/complete" ] && return 0
    absent() {
        say "the second oracle, docker 28.5.2 of Debian sid, is not to be had: $*"
        echo "docker 28.5.2 of Debian sid is not to be had: $*" >"$top/second.absent"
    }
    keys=/usr/share/keyrings/debian-archive-keyring.gpg
    site=$(mirror)
    [ -n "$site" ] || { refresh; site=$(mirror); }
    [ -n "$site" ] || { absent "this system's apt has no Debian mirror"; return 0; }
    [ -e "$keys" ] || { absent "no $keys"; return 0; }
    apt=$top/.apt-sid
    rm -rf "$apt"
    mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial"
    echo "deb [signed-by=$keys] $site sid main" >"$apt/sources.list"
    set -- -o "Dir::Etc::sourcelist=$apt/sources.list" -o Dir::Etc::sourceparts=/dev/null \
        -o "Dir::State::lists=$apt/lists" -o "Dir::Cache=$apt/cache" -o Acquire::Languages=none \
        -o Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false -o Acquire::Check-Valid-Until=false -o APT::Sandbox::User=root
    say "asking Debian sid for its docker.io"
    apt-get -qq "$@" update >&2 || { absent "its package lists could not be read"; rm -rf "$apt"; return 0; }
    found=$(candidate "$@" | upstream)
    case $found in '' | '(none)') absent "sid has no docker.io"; rm -rf "$apt"; return 0 ;; esac
    [ "$found" = 28.5.2 ] || say "sid has moved on: docker $found in place of 28.5.2; stories bound to 28.5.2 will say so"
    draft=$top/.draft-second
    rm -rf "$draft"
    say "fetching docker $found (Debian sid)"
    download "$draft/debs" "$@" download docker.io docker-cli containerd || { absent "docker.io $found could not be fetched"; rm -rf "$apt" "$draft"; return 0; }
    unpack "$draft/debs" "$draft"
    libraries "$draft" "$@"
    rm -rf "$draft"/debs* "$apt"
    for runc in "$top"/first/usr/sbin/runc "$top"/first/usr/bin/runc; do
        [ ! -x "$runc" ] || cp "$runc" "$draft/usr/bin/runc"
    done
    if ! "$draft/usr/sbin/dockerd" --version >/dev/null 2>&1; then
        absent "docker $found does not run here ($("$draft/usr/sbin/dockerd" --version 2>&1 | head -n 1))"
        rm -rf "$draft"
        return 0
    fi
    echo "$found" >"$draft/version"
    : >"$draft/complete"
    rm -rf "${top:?}/$found" "$top/second.absent"
    mv "$draft" "$top/$found"
    ln -sfn "$found" "$top/second"
}

tools
first
second
say "first: docker $(cat "$top/first/version")"
[ "$(cat "$top/first/version")" = 20.10.24 ] ||
    say "stories bound to docker 20.10.24 cannot judge docker $(cat "$top/first/version"); they say so by name"
[ ! -e "$top/second/version" ] || say "second: docker $(cat "$top/second/version")"
