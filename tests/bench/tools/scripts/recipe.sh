#!/usr/bin/env bash
# The DPUK's recipe with curl, for each row of a table: the same requests, options and conditions.
# `-silent` is what people type: to curl it is -s -i -l -e nt.
# Not part of the recipe: making sessions. They must be there.
# Arguments: URL, user, password, project, table.
set -eu

url=$1 user=$2 password=$3 project=$4 table=$5

{
    read -r _
    while IFS=$'\t' read -r filepath subject experiment scan _; do
        scan_url=$url/data/archive/projects/$project/subjects/$subject/experiments/$experiment/scans/$scan
        scan_exists=$(curl -silent -I -u "$user:$password" "$scan_url")
        if [[ $scan_exists != HTTP/1.1\ 200* ]]; then
            curl -silent -X PUT -u "$user:$password" "$scan_url?xsiType=xnat:mrScanData" >/dev/null
        fi

        resources=$(curl -s -u "$user:$password" "$scan_url/resources?format=csv")
        if [[ $(echo "$resources" | grep "NIFTI" | wc -l) == 0 ]]; then
            curl -s -X PUT -u "$user:$password" "$scan_url/resources/NIFTI"
        fi

        filename=$(basename "$filepath")
        nifti_exists=$(curl -silent -I -u "$user:$password" "$scan_url/resources/NIFTI/files/$filename")
        if [[ $nifti_exists != HTTP/1.1\ 200* ]]; then
            curl -s -u "$user:$password" -X PUT --data-binary "@$filepath" \
                "$scan_url/resources/NIFTI/files/$filename?format=NIFTI&inbody=true"
        fi
    done
} <"$table"
