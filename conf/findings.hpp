#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace conf {

// What is wrong in one file. Collected, because an administrator who fixes one mistake wants to see the
// others too.
class Findings {
 public:
  explicit Findings(std::string file) : file_(std::move(file)) {}

  // `line` counts from 1; 0 when it is not known.
  void error(int line, std::string_view text);
  void warning(int line, std::string_view text);
  std::size_t errors() const { return errors_.size(); }
  std::size_t mistakes() const { return errors_.size() + unknown_.size(); }

  // Every key that a section may have, and those that were met but that none has. `section` is the path that
  // leads to the key, "ssh.users[0]", and empty at the top.
  void known(std::string_view section, std::string_view key);
  void unknown(int line, std::string_view section, std::string_view key);

  // Throws ConfigError if there were errors; else the warnings, in the order of their lines.
  std::vector<std::string> finish();

 private:
  struct Finding {
    int line;
    std::string text;
    friend bool operator==(const Finding&, const Finding&) = default;
  };
  struct Key {
    int line;
    std::string section, name;
  };
  std::string advice(const Key& unknown) const;
  std::vector<std::string> lines(std::vector<Finding> findings) const;

  std::string file_;
  std::vector<Finding> errors_, warnings_;
  std::vector<Key> known_, unknown_;
};

// "tftp.max_window"; the key alone at the top. What is not plain text in a key is escaped.
std::string key_path(std::string_view section, std::string_view key);

}  // namespace conf
