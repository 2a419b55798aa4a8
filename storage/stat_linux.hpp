#pragma once
#include "storage/file.hpp"

struct stat;

namespace storage {

Attributes attributes_of(const struct stat& status);
Result<Attributes> attributes_of(int fd);

}  // namespace storage
