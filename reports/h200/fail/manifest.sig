{
  "payload": "eyJfdHlwZSI6Imh0dHBzOi8vaW4tdG90by5pby9TdGF0ZW1lbnQvdjEiLCJzdWJqZWN0IjpbeyJuYW1lIjoibWFuaWZlc3QuanNvbiIsImRpZ2VzdCI6eyJzaGEyNTYiOiI1ZTNmOGRmYzU5N2E5MzYxNWYzZjg0YWU2YTQxOWQwZDYzYTgzZTZmODgzOTkxYzRhNGUyNDM4MTYyYWVkNmQxIn19XSwicHJlZGljYXRlVHlwZSI6Imh0dHBzOi8vZ3B1aHBhLmRldi9hdHRlc3RhdGlvbi9ydW4vdjEiLCJwcmVkaWNhdGUiOnsicnVuIjoiMjAyNjExMzAtMDM1MjUzLTIxMyIsInZlcmRpY3QiOiJGQUlMIiwic2NlbmFyaW8iOiJvbGxhbWEtZ3B1LXV0aWxpemF0aW9uLW52aWRpYSIsImt1YmVybmV0ZXMiOiJ2MS4zNy4yIiwiZ3B1aHBhIjoiMC4xLjAiLCJjb21taXQiOiI2MDJkMjg5NmE4YWMiLCJydWxlcyI6NH19",
  "payloadType": "application/vnd.in-toto+json",
  "signatures": [
    {
      "keyid": "e5a25a7ea08d721a4129c76051f5c8e19294e029934217965ea08ce95143d466",
      "sig": "sin+KEUVoGtWWWdxj0OJtqoF9/ZK3xK8daytkGVu6kcbmgWsvf6ZI/E3n3Z5ql2BzyG+4S/gRl3NhF4yKflMAA=="
    }
  ]
}
