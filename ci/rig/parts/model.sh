inputs=images/model.py
needs="/usr/bin/python3"
build() {
  /usr/bin/python3 images/model.py "$1/tiny.gguf" 2 64 &&
    /usr/bin/python3 images/model.py "$1/small.gguf" 4 256
}
