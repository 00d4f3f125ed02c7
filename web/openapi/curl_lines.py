"""A `curl` line for each operation of the API, as the docs and the page show it; a test runs them all.

HUB is the service's address, TOKEN an access token; other names in capitals are told by earlier answers.
"""

_AUTH = '-H "Authorization: Bearer $TOKEN"'
_JSON = '-H "Content-Type: application/json"'
_FILE = '-H "Content-Type: application/octet-stream"'
_BODY = "--data-binary @envelope.edxml"
_V1 = "$HUB/api/v1"

LINES: dict[str, str] = {
    "web.openapi_document": f'curl "{_V1}/openapi.json"',
    "directory_api.token": f'curl -u "$CLIENT_ID:$SECRET" -d grant_type=client_credentials "{_V1}/oauth/token"',
    "hub.directory_document": f'curl {_AUTH} "{_V1}/directory"',
    "docex.submit_edxml": f'curl {_AUTH} {_FILE} -H "Idempotency-Key: $KEY" {_BODY} "{_V1}/edxml"',
    "docex.document_status": f'curl {_AUTH} "{_V1}/documents/$DOCUMENT"',
    "hub.receipts_of_document": f'curl {_AUTH} "{_V1}/documents/$DOCUMENT/receipts"',
    "hub.receipt": f'curl {_AUTH} "{_V1}/receipts/$RECEIPT"',
    "hub.connection": f'curl {_AUTH} "{_V1}/connection"',
    "hub.inbox": f'curl {_AUTH} "{_V1}/inbox?wait=20"',
    "hub.lease": f'curl -X POST {_AUTH} "{_V1}/inbox/$PARCEL/lease"',
    "hub.envelope": f'curl {_AUTH} -o received.edxml "{_V1}/inbox/$PARCEL/envelope"',
    "hub.acknowledge": f'curl {_AUTH} {_JSON} -d "{{\\"token\\": $LEASE}}" "{_V1}/inbox/$PARCEL/ack"',
    "hub.report_status": f'curl {_AUTH} {_JSON} -d \'{{"code": "03"}}\' "{_V1}/inbox/$PARCEL/status"',
    "desk_api.recalls": f'curl {_AUTH} "{_V1}/recalls"',
    "hub.set_webhook": f'curl -X PUT {_AUTH} {_JSON} -d \'{{"url": "https://example.vn/hook"}}\' "{_V1}/webhook"',
    "hub.webhook": f'curl {_AUTH} "{_V1}/webhook"',
    "hub.remove_webhook": f'curl -X DELETE {_AUTH} "{_V1}/webhook"',
    "hub.begin_upload": f'curl {_AUTH} {_JSON} -d "{{\\"size\\": $SIZE, \\"sha256\\": \\"$SHA256\\"}}" "{_V1}/uploads"',
    "hub.add_piece": f'curl -X PATCH {_AUTH} {_FILE} -H "Upload-Offset: 0" {_BODY} "{_V1}/uploads/$UPLOAD"',
    "hub.upload_state": f'curl {_AUTH} "{_V1}/uploads/$UPLOAD"',
    "hub.finish_upload": f'curl -X POST {_AUTH} "{_V1}/uploads/$UPLOAD/finish"',
    "evidence_api.ask": f'curl -X POST {_AUTH} "{_V1}/documents/$DOCUMENT/evidence"',
    "evidence_api.listed": f'curl {_AUTH} "{_V1}/documents/$DOCUMENT/evidence"',
    "evidence_api.take": f'curl {_AUTH} -o pack.zip "{_V1}/documents/$DOCUMENT/evidence/$PACK"',
    "hub.public_keys": f'curl "{_V1}/keys"',
    "log.head": f'curl "{_V1}/log/head"',
    "log.head_of_size": f'curl "{_V1}/log/heads/$LOG_SIZE"',
    "hub.receipt_proof": f'curl {_AUTH} "{_V1}/receipts/$RECEIPT/proof"',
    "log.proof": f'curl "{_V1}/log/proof?kind=document&sha256=$SHA256"',
    "log.consistency": f'curl "{_V1}/log/consistency?first=1&second=$LOG_SIZE"',
}
"""By the operation's id, in an order in which they can be run."""
