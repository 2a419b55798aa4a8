#pragma once
#include "storage/files/path.hpp"

namespace storage {

class Root;
class Depot;

// `current`, beside the releases of a product: a pointer (files/pointer.hpp), or an administrator's symbolic
// link, to the one that controllers shall use, so that their path never changes.

Path current_of(const Path& release);  // "/EWC/current"
// Whether the folder of images `root` has one beside `release` that leads to it now.
bool is_current(const Root& root, const Path& release);
// Whether `current` leads to it now.
bool is_current(const Depot& depot, const Path& release);

}  // namespace storage
