#include "server/commands/password_file.hpp"

#include <fmt/format.h>

#include <fstream>
#include <iostream>
#include <stdexcept>

#include "server/commands/text_input.hpp"
#include "storage/files/path_text.hpp"

namespace server {

void take_off_mark(std::string& line, const std::string& file) {
  if (line.starts_with("\xef\xbb\xbf")) line.erase(0, 3);
  if (line.starts_with("\xff\xfe") || line.starts_with("\xfe\xff"))
    throw std::runtime_error(fmt::format("{} is written in UTF-16: save it as UTF-8", file));
}

Secret password_from_file(const std::string& name) {
  std::ifstream file;
  if (name != "-") {
    expect_no_folder(name);
    file.open(storage::path_of(name));
    if (!file) throw std::runtime_error(fmt::format("cannot read the password file {}", name));
  }
  std::string line;
  std::getline(name == "-" ? std::cin : file, line);
  take_off_mark(line, name);
  if (line.ends_with('\r')) line.pop_back();
  return Secret(std::move(line));
}

}  // namespace server
