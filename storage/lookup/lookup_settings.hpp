#pragma once
#include <vector>

#include "storage/files/path.hpp"

namespace storage {

// The beginning of a path, by whole components, and what it stands for: /tftpboot/aps for /EWC/17_9_4a.
struct Alias {
  Path from, to;
  friend bool operator==(const Alias&, const Alias&) = default;
};

// What is served in place of a name that is not there. conf/ fills this in from the key `lookup`.
struct LookupSettings {
  bool forgiving = true;
  std::vector<Alias> aliases;  // asked for by the administrator, so they count even when nothing is forgiven
  bool uploads = true;         // whether what clients sent is served too: TFTP asks nobody who he is
  friend bool operator==(const LookupSettings&, const LookupSettings&) = default;
};

}  // namespace storage
