#pragma once
#include "server/accounts/ssh_handles.hpp"

namespace server {

// What a client that shows a key is answered.
enum class KeyAnswer { refused, worth_signing, logged_in };

// `opens`: the key is one of the user's, and permitted from the client's address. Only a signature that
// libssh has found right shows that the client has the key's private half; without any it asks whether to
// make one.
constexpr KeyAnswer answer_to_key(bool opens, ssh_publickey_state_e signature) {
  if (!opens) return KeyAnswer::refused;
  if (signature == SSH_PUBLICKEY_STATE_NONE) return KeyAnswer::worth_signing;
  return signature == SSH_PUBLICKEY_STATE_VALID ? KeyAnswer::logged_in : KeyAnswer::refused;
}

}  // namespace server
