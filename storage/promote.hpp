#pragma once
#include <stdexcept>

#include "storage/depot.hpp"
#include "storage/path.hpp"
#include "storage/root.hpp"

namespace storage {

// `current`, beside the releases of a product: a link to the one that controllers shall use, so that their
// path never changes.

// Why `current` stays as it is, in a sentence for the administrator.
struct NotPromoted : std::runtime_error {
  using std::runtime_error::runtime_error;
};

Path current_of(const Path& release);  // "/EWC/current"
// Whether the folder of images `root` has such a link beside `release` that leads to it now.
bool is_current(const Root& root, const Path& release);
// Whether `current` leads to it now.
bool is_current(const Depot& depot, const Path& release);

// Makes `current` lead to the release, by one rename. Throws NotPromoted where somebody made a `current` of
// another kind, std::system_error when the depot fails. May wait for the disk.
void promote(const Depot& depot, const Path& release);

}  // namespace storage
