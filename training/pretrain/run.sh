#!/usr/bin/env bash
# Backbone, agents and figures in one go on a machine with one or more GPUs, prepared for interruptions: training that dies is started again
# from its checkpoint, then on one GPU.
#
#   run.sh DATA OUT [BACKBONE_MINUTES] [AGENT_MINUTES] [LEARNING_RATE]
#
# DATA holds records-*.jsonl(.xz), tokenizer.model, heldout.npz, and either released weights to go on from (backbone.safetensors) or the
# initial ones (layers-0.npz, layers-1.npz, embedding.npz). OUT/minutes may be edited while the backbone trains. The last line printed is ALL DONE or FAILED.
set -uo pipefail
data=$1 out=$2 minutes=${3:-20} agent_minutes=${4:-3.5} rate=${5:-5e-4}
cd "$(dirname "$0")" || exit 1
export PYTHONUNBUFFERED=1 PYTHONWARNINGS=ignore
common=(--recipe "issues from docstrings" --records "$data" --tokenizer "$data/tokenizer.model" --heldout "$data/heldout.npz" --out "$out")
weights=(--weights "$out/backbone.safetensors" --tokenizer "$data/tokenizer.model" --heldout "$data/heldout.npz" --out "$out")
start=(--init "$data")
[ -f "$data/backbone.safetensors" ] && start=(--resume "$data/backbone.safetensors")
launch=(python3) gpus=$(python3 -c 'import torch; print(torch.cuda.device_count())')
[ "$gpus" -gt 1 ] && launch=(python3 -m torch.distributed.run --standalone --nproc_per_node "$gpus")
for attempt in 1 2 3; do
  "${launch[@]}" train.py "${common[@]}" "${start[@]}" --minutes "$minutes" --learning-rate "$rate" && break
  [ "$attempt" = 3 ] && { echo FAILED; exit 1; }
  echo "training stopped; starting it again"
  launch=(python3)
done
echo "BACKBONE DONE"
python3 train_agents.py "${common[@]}" --minutes "$agent_minutes" --own-analyses 14000 --own-minutes 3 && echo "AGENTS DONE" &&
  python3 generate.py "${weights[@]}" --agents "$out" --rows 384 &&
  python3 generate.py "${weights[@]}" --rows 384 && echo ALL DONE || { echo FAILED; exit 1; }
