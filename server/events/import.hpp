#pragma once
#include <cstdint>
#include <string>

#include "storage/import/compared_digest.hpp"
#include "storage/releases/imported.hpp"

// What becomes of the files in drop/. Texts that came from an archive are raw: a listener escapes them.
namespace server::event {

// A bundle in drop/ is being imported.
struct ImportStarted {
  std::string file;
};

struct ImportProgress {  // of one that takes long
  std::string file;
  std::uint64_t done, total;  // bytes
};

// A bundle or an image was published.
struct Published {
  std::string file;
  storage::Imported imported;
  double seconds;
};

// A bundle was moved to rejected/, and why.
struct ImportRejected {
  std::string file, reason, moved_to;
};

// The depot failed while a bundle was imported: the bundle is tried again.
struct ImportFailed {
  std::string file, reason;
};

// A file that was being imported is in drop/ no longer, or another of its name is, which is imported next.
struct ImportGone {
  std::string file;
  bool replaced;
};

// A vendor's digest that came after the import.
struct DigestCompared {
  storage::ComparedDigest compared;
};

struct DigestWaits {  // for the file that it is about
  std::string file;
};

// An entry of drop/ is not a file to import.
struct DropIgnored {
  std::string file;
};

struct Retired {  // because import.keep keeps so many
  std::string path, moved_to;
  std::uint32_t keep;
};

}  // namespace server::event
