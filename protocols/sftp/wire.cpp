#include "protocols/sftp/wire.hpp"

#include <array>

namespace sftp {

std::string_view text_of(Status status) {
  constexpr std::array<std::string_view, 9> texts{
      "Success",     "End of file",   "No such file",    "Permission denied",    "Failure",
      "Bad message", "No connection", "Connection lost", "Operation unsupported"};
  return texts[static_cast<std::size_t>(status)];
}

Status status_of(std::error_code error) {
  using enum std::errc;
  if (error == no_such_file_or_directory || error == not_a_directory ||
      error == too_many_symbolic_link_levels) {
    return Status::no_such_file;
  }
  if (error == permission_denied || error == operation_not_permitted) return Status::permission_denied;
  if (error == filename_too_long || error == invalid_argument) return Status::bad_message;
  if (error == function_not_supported) return Status::op_unsupported;
  return Status::failure;
}

std::string flags_text(std::uint32_t flags) {
  struct Name {
    std::uint32_t flag;
    std::string_view text;
  };
  constexpr std::array names{Name{open_flag::read, "READ"},         Name{open_flag::write, "WRITE"},
                             Name{open_flag::append, "APPEND"},     Name{open_flag::create, "CREATE"},
                             Name{open_flag::truncate, "TRUNCATE"}, Name{open_flag::exclusive, "EXCL"}};
  std::string text;
  for (const auto& name : names) {
    if ((flags & name.flag) != 0) text.append(text.empty() ? "" : ",").append(name.text);
  }
  return text;
}

}  // namespace sftp
