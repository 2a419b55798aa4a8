#pragma once
#include <string>
#include <vector>

#include "server/accounts/ssh_handles.hpp"

namespace storage {
class Depot;
}  // namespace storage

namespace server {

// The two host keys of a depot. The files belong to state/; libssh's objects to whoever made them.
struct HostKeyPair {
  ssh::Key key;
  std::string type;         // "ssh-rsa"
  std::string fingerprint;  // "SHA256:...", as ssh-keygen -l prints it
};

// The keys by which devices know this server: RSA 3072, which every Cisco device needs, and Ed25519. They are
// made once, for devices remember them. Blocks (making an RSA key takes a good part of a second): for a
// worker. Throws std::exception with a sentence when a key cannot be read or written, or others than its
// owner may read it.
std::vector<HostKeyPair> load_or_make_host_keys(const storage::Depot& depot);

}  // namespace server
