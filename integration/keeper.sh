#!/bin/sh
# Waits until whoever started it is gone (end of its stdin, however it came: an end, a panic, kill -9), then ends
# what still runs in ROOM, unmounts what is mounted there, lets go of its loop devices and removes it.
#
#   keeper.sh ROOM [keep]        with `keep` the files stay to look at
room=$1
trap '' INT TERM HUP
while read -r _; do :; done

# Processes that name the room in their command line.
inhabitants() {
    # The pattern by stdin: grep's own command line must not hold it.
    printf '%s/' "$room" | grep -lsFf - /proc/[0-9]*/cmdline | cut -d/ -f3 | grep -vx $$
}
daemons() {
    for pid in $(inhabitants); do
        case $(readlink "/proc/$pid/exe") in */dockerd) echo "$pid" ;; esac
    done
}
# Cgroups of the room's containers, wherever the engine put them.
cgroups() {
    for dir in "$room"/*/containers/* "$room"/*/*/containers/*; do
        id=$(basename "$dir")
        [ ${#id} = 64 ] || continue
        for parent in docker minidock; do
            ls -d /sys/fs/cgroup/"$parent/$id" /sys/fs/cgroup/*/"$parent/$id" 2>/dev/null
        done
    done
}

groups=$(cgroups)
# SIGKILL to everything there is; an orderly end only to a daemon whose containers' shims have sockets in /run, and
# to that one after its containers, for which it would wait ten seconds.
daemons=$(daemons)
signal=KILL
for task in "$room"/x/containerd/daemon/io.containerd.runtime.v2.task/moby/*; do [ ! -e "$task" ] || signal=TERM; done
if [ $signal = TERM ]; then
    for group in $groups; do
        cat "$group/cgroup.procs" 2>/dev/null | while read -r pid; do kill -KILL "$pid" 2>/dev/null; done
    done
fi
for pid in $daemons; do
    kill -$signal "$pid" 2>/dev/null
    turns=0
    while [ -e "/proc/$pid/exe" ] && [ $turns -lt 200 ]; do
        sleep 0.05
        turns=$((turns + 1))
    done
done
turns=0
while [ $turns -lt 50 ]; do
    left=$(inhabitants; for group in $groups; do cat "$group/cgroup.procs" 2>/dev/null; done)
    [ -n "$left" ] || break
    # shellcheck disable=SC2086
    kill -KILL $left 2>/dev/null
    sleep 0.02
    turns=$((turns + 1))
done
# Newest first; a loop device or a bind on top hides what is below.
unmount() {
    awk -v room="$room" '$5 == room || index($5, room "/") == 1 { print $5 }' /proc/self/mountinfo | tac |
        while read -r point; do umount -l "$(printf '%b' "$point")" 2>/dev/null; done
}
unmount
losetup -n -l -O NAME,BACK-FILE 2>/dev/null | while read -r device file; do
    case $file in "$room"/*) losetup -d "$device" ;; esac
done
unmount
for group in $groups; do rmdir "$group" 2>/dev/null; done
[ "${2:-}" = keep ] && exit 0
rm -rf --one-file-system "$room"
