#include <fmt/format.h>
#include <sys/stat.h>

#include "storage/files/privacy.hpp"

namespace storage {

bool have_access(Others who, const std::filesystem::path& file) {
  struct stat status {};
  if (::stat(file.c_str(), &status) != 0) return false;
  return (status.st_mode & (who == Others::everybody ? S_IRWXO : S_IRWXG | S_IRWXO)) != 0;
}

std::string command_against(Others who, const std::filesystem::path& file) {
  return fmt::format("chmod {} {}", who == Others::everybody ? "o=" : "600", file.string());
}

}  // namespace storage
