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

struct KeyFault {
  enum class What { no_key, unknown_option, bad_from } what = What::no_key;
  std::string_view
      option;  // sshd's own name of the unknown one, if it is one of sshd's; no other text of the line
};

// `restrict` is taken, for nobody gets more than files here anyway. Every other option but from= is a fault:
// it may stand for a restriction, and the key must not open more than its owner was told.
std::expected<AuthorizedKey, KeyFault> parse_authorized_key(std::string_view line);

}  // namespace conf
