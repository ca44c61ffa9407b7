#!/bin/sh
# Gradescope runs this once, as root, when it builds the container: Python, and what the kit and the practical need.
set -e
home=${AUTOGRADER_HOME:-/autograder}
apt-get update
apt-get install -y --no-install-recommends python3 python3-venv ca-certificates
python3 -m venv "$home/installer"
"$home/installer/bin/pip" install --quiet uv
"$home/installer/bin/uv" venv --python 3.12 "$home/venv"
"$home/installer/bin/uv" pip install --quiet --python "$home/venv/bin/python" --torch-backend cpu \
    --constraint "$home/source/constraints.txt" --requirement "$home/source/requirements.txt"
