#pragma once
#include "conf/log.hpp"
#include "conf/section.hpp"
#include "conf/ssh.hpp"
#include "conf/user.hpp"

namespace conf {

// How the enumerations are spelled in the file, for reading and for printing.
inline constexpr Name<Compatibility> compatibilities[] = {{"modern", Compatibility::modern},
                                                          {"legacy", Compatibility::legacy}};
inline constexpr Name<WebRole> web_roles[] = {
    {"none", WebRole::none}, {"viewer", WebRole::viewer}, {"admin", WebRole::admin}};
inline constexpr Name<WebRole> token_roles[] = {{"viewer", WebRole::viewer}, {"admin", WebRole::admin}};
inline constexpr Name<LogLevel> log_levels[] = {{"quiet", LogLevel::quiet},
                                                {"normal", LogLevel::normal},
                                                {"verbose", LogLevel::verbose},
                                                {"debug", LogLevel::debug}};
inline constexpr Name<LogFormat> log_formats[] = {{"classic", LogFormat::classic}, {"json", LogFormat::json}};
inline constexpr Name<LogTarget> log_targets[] = {{"auto", LogTarget::automatic},
                                                  {"stderr", LogTarget::stderr_stream},
                                                  {"journal", LogTarget::journal},
                                                  {"syslog", LogTarget::syslog}};

template <class T, std::size_t n>
std::string_view name_of(T value, const Name<T> (&names)[n]) {
  for (const auto& [name, named] : names) {
    if (named == value) return name;
  }
  return "";
}

}  // namespace conf
