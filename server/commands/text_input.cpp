#include "server/commands/text_input.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <stdexcept>
#include <system_error>

#include "storage/files/path_text.hpp"

namespace server {
namespace {

constexpr std::size_t most = 64 << 20;

std::string read(std::istream& in, const std::string& name) {
  std::string text(most + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(in.gcount()));
  if (text.size() <= most) return text;
  throw std::runtime_error(
      fmt::format("{} is larger than 64 MiB: give only the part that is about images", name));
}

}  // namespace

void expect_no_folder(const std::string& name) {
  std::error_code error;
  if (std::filesystem::is_directory(storage::path_of(name), error))
    throw std::runtime_error(fmt::format("{} is a folder, not a file", name));
}

std::string read_text(const std::string& name) {
  if (name == "-") return read(std::cin, "the input");
  expect_no_folder(name);
  std::ifstream file(storage::path_of(name), std::ios::binary);
  if (!file)
    throw std::runtime_error(fmt::format("cannot read {}: {}", name, std::generic_category().message(errno)));
  return read(file, name);
}

}  // namespace server
