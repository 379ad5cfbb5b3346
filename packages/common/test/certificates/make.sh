#!/bin/sh
# Makes the certificates of the tests anew: an authority, what it has signed, and a stranger. Needs the openssl command.
set -eu
cd "$(dirname "$0")"
days=36500
key() { openssl ecparam -name prime256v1 -genkey -noout -out "$1.key"; }
authority() {
  key "$1"
  openssl req -x509 -new -key "$1.key" -subj "/CN=$2" -days $days -out "$1.crt" \
    -addext basicConstraints=critical,CA:true -addext keyUsage=critical,keyCertSign
}
# signed NAME AUTHORITY ALTERNATIVE-NAMES
signed() {
  key "$1"
  openssl req -new -key "$1.key" -subj "/CN=$1" -out "$1.csr"
  printf 'subjectAltName=%s\nextendedKeyUsage=serverAuth,clientAuth\n' "$3" >"$1.ext"
  openssl x509 -req -in "$1.csr" -CA "$2.crt" -CAkey "$2.key" -days $days \
    -extfile "$1.ext" -out "$1.crt" 2>/dev/null
  rm -f "$1.csr" "$1.ext"
}
authority authority "ims-lab test authority"
authority other-authority "somebody else's authority"
signed node authority "DNS:localhost,DNS:pcscf.ims.example,IP:127.0.0.1,IP:::1"
signed scscf authority "DNS:scscf.ims.example,IP:127.0.0.1,IP:::1"
signed domain authority "URI:sip:ims.example,DNS:elsewhere.example"
signed stranger other-authority "DNS:localhost,DNS:scscf.ims.example,IP:127.0.0.1,IP:::1"
days=-1 signed expired authority "DNS:localhost,DNS:scscf.ims.example,IP:127.0.0.1,IP:::1"
rm -f ./*.srl authority.key other-authority.key
