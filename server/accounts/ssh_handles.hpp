#pragma once
#include <libssh/callbacks.h>
#include <libssh/libssh.h>
#include <libssh/server.h>

#include <memory>
#include <string>

namespace server::ssh {

template <auto Free>
// Frees libssh's objects, for std::unique_ptr.
struct Deleter {
  template <class T>
  void operator()(T* handle) const noexcept {
    Free(handle);
  }
};

// Text that libssh may not have.
inline std::string text(const char* text) { return text ? text : ""; }

using Bind = std::unique_ptr<ssh_bind_struct, Deleter<ssh_bind_free>>;
using Session = std::unique_ptr<ssh_session_struct, Deleter<ssh_free>>;
using Event = std::unique_ptr<ssh_event_struct, Deleter<ssh_event_free>>;
using Key = std::unique_ptr<ssh_key_struct, Deleter<ssh_key_free>>;
using Message = std::unique_ptr<ssh_message_struct, Deleter<ssh_message_free>>;

// Empty when libssh cannot write the key.
inline std::string base64(ssh_key key) {
  char* raw = nullptr;
  if (!key || ssh_pki_export_pubkey_base64(key, &raw) != SSH_OK) return {};
  const std::unique_ptr<char, Deleter<ssh_string_free_char>> owner(raw);
  return raw;
}

// "SHA256:..." as ssh-keygen -l prints it. Empty when there is no key, or memory is short.
inline std::string fingerprint(ssh_key key) {
  unsigned char* hash = nullptr;
  std::size_t size = 0;
  if (!key || ssh_get_publickey_hash(key, SSH_PUBLICKEY_HASH_SHA256, &hash, &size) != SSH_OK) return {};
  char* raw = ssh_get_fingerprint_hash(SSH_PUBLICKEY_HASH_SHA256, hash, size);
  ssh_clean_pubkey_hash(&hash);
  const std::unique_ptr<char, Deleter<ssh_string_free_char>> owner(raw);
  return text(raw);
}

}  // namespace server::ssh
