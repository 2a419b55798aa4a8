#pragma once
#include <filesystem>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

#include "conf/settings.hpp"

namespace server {

// The accounts of the users file, to look at and to change; those in the configuration are the
// administrator's to edit. Every call may wait for the disk; one thread at a time.
class UserBook {
 public:
  // Why a change is refused, in a sentence.
  struct Refused : std::runtime_error {
    enum class Why { taken, missing, configured } why;
    Refused(Why reason, const std::string& text) : std::runtime_error(text), why(reason) {}
  };

  // Throws conf::ConfigError for a file with mistakes.
  UserBook(conf::Settings settings, std::filesystem::path file);

  const conf::Settings& settings() const { return settings_; }
  std::vector<conf::User>& users() { return users_; }
  const std::vector<conf::User>& users() const { return users_; }
  // Both throw Refused.
  void expect_free(const std::string& name) const;
  conf::User& existing(const std::string& name);
  // Reads them once more, for somebody else may have changed them since, and writes them after `act`; others
  // wait meanwhile.
  void change(const std::function<void()>& act);

 private:
  bool configured(const std::string& name) const;

  const conf::Settings settings_;
  const std::filesystem::path file_;
  std::vector<conf::User> users_;
};

}  // namespace server
