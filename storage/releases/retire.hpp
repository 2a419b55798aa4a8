#pragma once
#include <cstddef>
#include <stdexcept>
#include <string>
#include <vector>

#include "storage/files/path.hpp"
#include "storage/releases/changeover.hpp"

namespace storage {

class Depot;

// Takes releases out of service: out of images/, into retired/ of the depot, by one rename, or file by file
// where the system does not move a folder that is in use (changeover.hpp). Who has a file of it open reads
// on. To bring one back, move it into images/ again. May wait for the disk, and for an import that is about
// to publish; safe beside both, in this process or another.

// Why a release stays where it is, in a sentence for the administrator.
struct NotRetired : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// Whether the product's `current` may be removed with the release that it points at.
enum class Current { kept, removed };

// Throws NotRetired where other releases lie in it, and where the product's `current` points at it; with
// Current::removed `current` goes too. std::system_error when the depot fails.
Retired retire(const Depot& depot, const Path& release, Current current);

// Retires the oldest releases of the same product as `published` beyond `keep`, counting it; 0 keeps all.
// Never `published` itself, what `current` points at, or what was put there by hand. What goes wrong with one
// is a sentence in `problems`, and those after it stay: the import is done all the same.
std::vector<Retired> retire_oldest(const Depot& depot, const std::string& published, std::size_t keep,
                                   std::vector<std::string>& problems);

}  // namespace storage
