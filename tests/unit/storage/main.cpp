// As tests/unit/main.cpp, for a program that is started again to read an archive, or to be a bad reader.
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <span>

#include "storage/archives/reader_process.hpp"
#include "tests/unit/storage/archives/bad_readers.hpp"

int main(int argc, char** argv) {
  const auto words = std::span(argv, static_cast<std::size_t>(argc));
  if (words.size() > 1 && words[1] == storage::read_archive_word) storage::read_archive(words.subspan(2));
  if (words.size() > 2 && words[1] == test::bad_reader_word) return test::run_bad_reader(words[2]);
  return doctest::Context(argc, argv).run();
}
