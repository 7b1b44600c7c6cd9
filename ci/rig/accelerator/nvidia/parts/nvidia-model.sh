# A model of 0.87 billion random weights in 16 bits, 1.75 GB: enough work for a card. Too large to be packed, made in seconds.
inputs=images/model.py
needs="/usr/bin/python3 nvidia-smi"
build() { /usr/bin/python3 images/model.py "$1/model.gguf" 16 2048 --half; }
