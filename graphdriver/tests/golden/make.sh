#!/bin/sh
# Makes golden/overlay2.txt and golden/vfs.txt here: what a dockerd (20.10.24) has written after an image of two
# layers and a container on it, names replaced by what they are. Give it an empty DIRECTORY to work in, and
# dockerd, docker, containerd and runc first on PATH. Run by hand, as root; the results are committed.
set -eu
work=$(cd "$1" && pwd)
here=$(cd "$(dirname "$0")" && pwd)
for driver in overlay2 vfs; do
    root=$work/root-$driver
    export DOCKER_HOST="unix://$work/$driver.sock"
    dockerd --storage-driver $driver --data-root "$root" --exec-root "$work/exec-$driver" -H "$DOCKER_HOST" \
        --pidfile "$work/$driver.pid" --bridge=none --iptables=false --ip6tables=false >"$work/$driver.log" 2>&1 &
    pid=$!
    until docker version >/dev/null 2>&1; do kill -0 $pid; sleep 0.1; done
    mkdir -p "$work/img/etc"
    echo base >"$work/img/etc/base"
    tar -C "$work/img" -c . | docker import - img:1 >/dev/null
    docker create --name one img:1 /x >/dev/null
    docker cp "$work/img/etc/base" one:/two
    docker commit one img:2 >/dev/null
    docker rm one >/dev/null
    docker create --name two img:2 /x >/dev/null

    # What each directory is: image layers by their depth, the container's by its name.
    cd "$root/image/$driver/layerdb"
    names=$work/names-$driver
    for chain in sha256/*; do
        [ -e "$chain/parent" ] && role=second || role=base
        echo "s/$(cat "$chain/cache-id")/$role/g"
    done >"$names"
    echo "s/$(cat mounts/*/mount-id)/container/g" >>"$names"
    if [ $driver = overlay2 ]; then
        for link in "$root"/overlay2/*/link; do
            layer=$(basename "$(dirname "$link")")
            echo "s/$(cat "$link")/LINK-OF-$layer/g"
        done >>"$names.links"
        cat "$names" >>"$names.links"
        mv "$names.links" "$names"
    fi
    cd "$root"
    {
        if [ $driver = overlay2 ]; then
            find overlay2 -not -path '*/diff/*' -printf '%p %y %m %U:%G %l\n'
            for file in overlay2/*/link overlay2/*/lower overlay2/*/committed; do
                echo "$file says $(cat "$file")"
            done
        else
            find vfs -maxdepth 2 -not -name backingFsBlockDev -printf '%p %y %m %U:%G %l\n'
        fi
    } | sed -f "$names" | sed 's/ *$//' | sort >"$here/$driver.txt"
    kill $pid
    wait $pid || true
done
