#include <stdlib.h>
#include <sys/stat.h>

#include "tests/support/host.hpp"

namespace test {

bool make_link(const std::filesystem::path& target, const std::filesystem::path& link) {
  std::filesystem::create_symlink(target, link);
  return true;
}

bool make_fifo(const std::filesystem::path& fifo) { return ::mkfifo(fifo.c_str(), 0600) == 0; }

bool set_mode(const std::filesystem::path& file, unsigned mode) {
  std::filesystem::permissions(file, std::filesystem::perms(mode));
  return true;
}

std::optional<unsigned> mode_of(const std::filesystem::path& file) {
  return static_cast<unsigned>(std::filesystem::status(file).permissions() & std::filesystem::perms::mask);
}

std::filesystem::path place_of(const storage::Handle& file) {
  return std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(file.get()));
}

void set_variable(const std::string& name, const std::optional<std::string>& value) {
  value ? ::setenv(name.c_str(), value->c_str(), 1) : ::unsetenv(name.c_str());
}

}  // namespace test
