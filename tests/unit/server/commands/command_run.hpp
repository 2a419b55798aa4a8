#pragma once
#include <doctest/doctest.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <optional>
#include <span>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "server/commands/command.hpp"
#include "storage/depot/depot.hpp"
#include "storage/files/digest.hpp"
#include "storage/files/path_text.hpp"
#include "storage/releases/manifest.hpp"
#include "storage/releases/published.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/unit/server/commands/replaced.hpp"
#include "tests/unit/server/commands/terminal.hpp"

namespace test {

using Words = std::vector<std::string>;

// Takes what is written to a stream.
class Caught {
 public:
  explicit Caught(std::FILE* stream) : file_(std::tmpfile()) {
    REQUIRE(file_ != nullptr);
    replaced_.emplace(stream, ::fileno(file_));
  }
  Caught(const Caught&) = delete;
  Caught& operator=(const Caught&) = delete;
  ~Caught() { std::fclose(file_); }

  std::string take() {
    replaced_.reset();
    std::rewind(file_);
    std::string text;
    std::array<char, 4096> part{};
    for (std::size_t got = 1; got > 0; text.append(part.data(), got))
      got = std::fread(part.data(), 1, part.size(), file_);
    return text;
  }

 private:
  std::FILE* const file_;
  std::optional<Replaced> replaced_;
};

// Gives a command that text on its standard input.
class Input {
 public:
  explicit Input(std::string_view text)
      : stream_(std::string(text)), before_(std::cin.rdbuf(stream_.rdbuf())) {}
  Input(const Input&) = delete;
  Input& operator=(const Input&) = delete;
  ~Input() { std::cin.rdbuf(before_); }

 private:
  std::istringstream stream_;
  std::streambuf* const before_;
};

// What came of a command, with the exit status that main() makes of it.
struct Ran {
  int status = 0;
  std::string out, err;
  std::string mistake;  // what it threw; empty: nothing
};

inline void run_into(Ran& ran, const server::Command& command, std::vector<std::string> words) {
  words.insert(words.begin(), "apdepot");
  std::vector<char*> pointers;
  for (auto& word : words) pointers.push_back(word.data());
  std::vector<server::Flag> known(command.flags.begin(), command.flags.end());
  known.push_back({"--config", "FILE", ""});
  known.push_back({"--depot", "DIR", ""});
  try {
    server::Arguments arguments(pointers, known);
    ran.status = command.run(arguments);
  } catch (const server::UsageError& e) {
    ran.status = 2;
    ran.mistake = e.what();
  } catch (const std::exception& e) {
    ran.status = 1;
    ran.mistake = e.what();
  }
}

inline Ran run(const server::Command& command, const std::vector<std::string>& words,
               std::string_view input = {}) {
  Ran ran;
  const Input given(input);
  Caught out(stdout), err(stderr);
  run_into(ran, command, words);
  ran.out = out.take();
  ran.err = err.take();
  return ran;
}

// With a terminal of that width as stdout; nothing where there are none.
inline std::optional<Ran> run_on_terminal(const server::Command& command,
                                          const std::vector<std::string>& words, unsigned short columns) {
  Ran ran;
  Caught err(stderr);
  Terminal out(stdout, columns);
  if (!out.works()) return {};
  run_into(ran, command, words);
  ran.out = out.take();
  ran.err = err.take();
  return ran;
}

inline bool has(const std::string& text, std::string_view part) { return text.find(part) != text.npos; }

inline std::vector<std::string> lines_in(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

inline std::string text_in(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

inline std::string digest_of(storage::DigestKind kind, const std::string& bytes) {
  storage::Digest digest(kind);
  digest.update(std::as_bytes(std::span(bytes)));
  return digest.hex();
}

// A depot with its configuration, and commands that are given both. With `user: root` a command that root
// runs stays root: it could not become root again for the next test.
struct Site {
  test::TempDir dir;
  storage::Depot depot{dir / "depot"};

  Site() { configure(""); }
  std::filesystem::path config() const { return dir / "site.yaml"; }
  void configure(const std::string& yaml) const { dir.write("site.yaml", "user: root\n" + yaml); }

  // A file below images/, put there by hand.
  void put(const std::string& name, std::string_view content = "image") const {
    dir.write("depot/images/" + name, content);
  }
  // A release of these files, as an import leaves it.
  void publish(const std::string& release, const std::map<std::string, std::string>& files,
               bool verified = true) const {
    storage::Manifest manifest;
    manifest.path = release;
    manifest.bundle = "bundle.zip";
    manifest.imported_at = "2026-11-20T11:10:23Z";
    manifest.verified = verified;
    for (const auto& [name, content] : files) {
      put(release.substr(1) + "/" + name, content);
      manifest.members.push_back({name, content.size(), digest_of(storage::DigestKind::sha256, content)});
    }
    const auto file = storage::manifest_of(depot, release);
    std::filesystem::create_directories(file.parent_path());
    storage::save(manifest, file);
  }

  std::vector<std::string> words(std::vector<std::string> all) const {
    for (const auto& word : {std::string("--config"), storage::utf8_of(config()), std::string("--depot"),
                             storage::utf8_of(depot.directory())})
      all.push_back(word);
    return all;
  }
  Ran run(const server::Command& command, std::vector<std::string> all = {},
          std::string_view input = {}) const {
    return test::run(command, words(std::move(all)), input);
  }
};

}  // namespace test
