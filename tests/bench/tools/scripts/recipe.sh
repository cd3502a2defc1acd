#!/usr/bin/env bash
# What the DPUK's recipe with curl asks of XNAT, for each row of a table: the same requests in the same order, each with
# the password and a connection of its own. Not part of the recipe: making sessions. They must be there.
# Arguments: URL, user, password, project, table.
set -eu

url=$1 account=$2:$3 project=$4 table=$5

ask() { curl -s -u "$account" "$@"; }
is_there() { [[ $(ask -I -o /dev/null -w '%{http_code}' "$1") == 200 ]]; }

while IFS=$'\t' read -r path subject session scan _; do
    at=$url/data/archive/projects/$project/subjects/$subject/experiments/$session/scans/$scan
    folder=$at/resources/NIFTI
    file=$folder/files/${path##*/}
    is_there "$at" || ask -X PUT -o /dev/null "$at?xsiType=xnat:mrScanData"
    ask "$at/resources?format=csv" | grep -q NIFTI || ask -X PUT "$folder"
    is_there "$file" || ask -X PUT --data-binary "@$path" "$file?format=NIFTI&inbody=true"
done < <(tail -n +2 "$table")
