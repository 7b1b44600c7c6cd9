# Ollama and a ScaledObject that scales to zero exist already
MIN=0
. "$RIG/variants/keda-adopt.sh"
