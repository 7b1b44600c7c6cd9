{
  "payload": "eyJfdHlwZSI6Imh0dHBzOi8vaW4tdG90by5pby9TdGF0ZW1lbnQvdjEiLCJzdWJqZWN0IjpbeyJuYW1lIjoibWFuaWZlc3QuanNvbiIsImRpZ2VzdCI6eyJzaGEyNTYiOiJmY2MwOTU0OGE5MjZkYzgzNzA3MzBlMmVlOTBmYjVhYjQzMDhjMjQzMTM2NTg1ZjRjMzVjYzMwYTBjZTY3ZTk0In19XSwicHJlZGljYXRlVHlwZSI6Imh0dHBzOi8vZ3B1aHBhLmRldi9hdHRlc3RhdGlvbi9ydW4vdjEiLCJwcmVkaWNhdGUiOnsicnVuIjoiMjAyNjExMzAtMDM1MDM0LTc3MSIsInZlcmRpY3QiOiJQQVNTIiwic2NlbmFyaW8iOiJvbGxhbWEtZ3B1LXV0aWxpemF0aW9uLW52aWRpYSIsImt1YmVybmV0ZXMiOiJ2MS4zNy4yIiwiZ3B1aHBhIjoiMC4xLjAiLCJjb21taXQiOiI2MDJkMjg5NmE4YWMiLCJydWxlcyI6NH19",
  "payloadType": "application/vnd.in-toto+json",
  "signatures": [
    {
      "keyid": "e5a25a7ea08d721a4129c76051f5c8e19294e029934217965ea08ce95143d466",
      "sig": "Fh9Kdq4lr3YGA+w7+ycUXBAol/6i7SOaAlY0HId8PoJNAwf1hAzwLAd8nvfFMJCptRDvPAB6siQaGUdm7Fn2Bg=="
    }
  ]
}
