#include "storage/images/device_log.hpp"

#include <array>

namespace storage {
namespace {

constexpr std::array<std::string_view, 15> names{
    "started",          "failed",       "gave_up",        "completed",     "device_failed",
    "device_succeeded", "device_asked", "cannot_start",   "aborted",       "no_image",
    "no_space",         "damaged",      "signature_good", "signature_bad", "certificate_over"};
static_assert(static_cast<std::size_t>(LogMessage::Kind::certificate_over) + 1 == names.size());

}  // namespace

std::string LogRecord::joined() const {
  std::string text;
  for (const auto& line : lines) text.append(text.empty() ? "" : " ").append(line);
  return text;
}

std::string_view kind_name(LogMessage::Kind kind) { return names.at(static_cast<std::size_t>(kind)); }

}  // namespace storage
