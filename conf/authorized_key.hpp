#pragma once
#include <expected>
#include <string>
#include <string_view>

#include "conf/address.hpp"

namespace conf {

// One line of sshd's authorized_keys (sshd(8)): [OPTIONS] TYPE BASE64 [COMMENT].
struct AuthorizedKey {
  std::string type, base64;
  std::string from;  // the patterns of from="..."; empty: from everywhere

  // By sshd's rules: one pattern must match, and none that "!" stands before.
  bool admits(const Address& client) const;
};

// Why a line of authorized_keys is not accepted.
struct KeyFault {
  enum class What { no_key, unknown_option, bad_from } what = What::no_key;
  std::string_view
      option;  // sshd's own name of the unknown one, if it is one of sshd's; no other text of the line
};

constexpr std::string_view authorized_key_text =
    "one public key on one line, TYPE BASE64 [COMMENT], as in a file id_ed25519.pub; TYPE is ssh-ed25519, "
    "ssh-rsa or ecdsa-sha2-nistp256, 384 or 521, and from=\"PATTERN,...\" and restrict may stand before it";
// What is to be done about it; of the line it holds the option's name at most.
std::string text_of(const KeyFault& fault);

// `restrict`, no-pty and its kind and command="internal-sftp" are taken, for nobody gets more than files here
// anyway. A key whose base64 is cut, anywhere, is no key. Every other option but from= is a fault:
// it may stand for a restriction, and the key must not open more than its owner was told.
std::expected<AuthorizedKey, KeyFault> parse_authorized_key(std::string_view line);

}  // namespace conf
