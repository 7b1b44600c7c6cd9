# Ollama and a ScaledObject exist already; the store answers no query at its address, so that its fallback is active
STORE_PATH=/no-store
FALLBACK='fallback: {failureThreshold: 3, replicas: 1}'
. "$RIG/variants/keda-adopt.sh"
