#pragma once
#include "storage/files/file.hpp"

struct stat;

namespace storage {

Attributes attributes_of(const struct stat& status);
Result<Attributes> attributes_of(int fd);
int set_times_of(int fd, const Times& times);  // as the system's calls: 0, or -1 and errno

}  // namespace storage
