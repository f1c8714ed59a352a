#!/usr/bin/env bash
# `make test` on the newest Python that Debian has, in a folder made by debootstrap. Needs root.
#
# The folder is kept, so that a second run starts at once; `rm -r` it when nothing is mounted in it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
folder=$(realpath -m "${1:-build/newest}")
suite=trixie  # Debian 13: Python 3.13

if [ ! -x "$folder/usr/bin/python3" ]; then
    debootstrap --variant=minbase \
        --include=python3,python3-venv,make,git,ca-certificates,bubblewrap,chromium \
        "$suite" "$folder"
fi
cp -L /etc/resolv.conf "$folder/etc/"
cp -L /etc/ssl/certs/ca-certificates.crt "$folder/etc/ssl/certs/"

mounted=()
leave() { for place in "${mounted[@]}"; do umount "$place"; done; }
trap leave EXIT
for kind in proc:proc devtmpfs:dev devpts:dev/pts tmpfs:dev/shm; do
    place="$folder/${kind#*:}"
    mkdir -p "$place"
    mount -t "${kind%%:*}" "${kind%%:*}" "$place"
    mounted=("$place" "${mounted[@]}")
done

rm -rf "$folder/root/lrlesson"
git clone --quiet . "$folder/root/lrlesson"
chroot "$folder" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 \
    make -C /root/lrlesson test
