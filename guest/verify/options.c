#include "options.h"
#include "serial.h"

struct options options = {
  .pattern = PATTERN_RANDOM, .write_percent = 20, .fill_percent = 100, .zero_percent = 5, .high = true,
};

// The value if the word at `at` is "key=value", or 0.
static const char *value_of(const char *at, const char *key) {
  while (*key && *at == *key) at++, key++;
  return !*key && *at == '=' ? at + 1 : 0;
}

static bool is_word(const char *at, const char *word) {
  while (*word && *at == *word) at++, word++;
  return !*word && (*at == ' ' || !*at);
}

static bool parse_number(const char *at, u64 *number) {
  u64 value = 0;
  if (*at < '0' || *at > '9') return false;
  while (*at >= '0' && *at <= '9') value = value * 10 + (*at++ - '0');
  switch (*at) {
    case 'G': value <<= 10; /* fall through */
    case 'M': value <<= 10; /* fall through */
    case 'K': value <<= 10, at++;
  }
  *number = value;
  return *at == ' ' || !*at;
}

static bool parse_switch(const char *at, bool *to) {
  *to = *at == '1';
  return is_word(at, "0") || is_word(at, "1");
}

static bool parse_pattern(const char *at) {
  if (is_word(at, "seq")) options.pattern = PATTERN_SEQ;
  else if (is_word(at, "random")) options.pattern = PATTERN_RANDOM;
  else if (is_word(at, "hot")) options.pattern = PATTERN_HOT;
  else return false;
  return true;
}

static bool parse_word(const char *at) {
  static const struct {
    const char *key;
    u32 *to, most;
  } numbers[] = {
    {"cpus", &options.cpus, MAX_CPUS},          {"rate", &options.rate, 1000000},
    {"write", &options.write_percent, 100},     {"fill", &options.fill_percent, 100},
    {"zero", &options.zero_percent, 100},
  };
  const char *value;
  u64 number;
  if ((value = value_of(at, "pattern"))) return parse_pattern(value);
  if ((value = value_of(at, "ws"))) return parse_number(value, &options.working_set_bytes);
  if ((value = value_of(at, "series"))) return parse_switch(value, &options.series);
  if ((value = value_of(at, "high"))) return parse_switch(value, &options.high);
  for (u32 i = 0; i < sizeof numbers / sizeof *numbers; i++)
    if ((value = value_of(at, numbers[i].key))) {
      if (!parse_number(value, &number) || number > numbers[i].most) return false;
      *numbers[i].to = number;
      return true;
    }
  return false;
}

static void print_word(const char *at) {
  char letter[2] = {0, 0};
  for (; *at && *at != ' '; at++) {
    letter[0] = *at;
    print(letter);
  }
}

void options_parse(const char *line) {
  // The loader puts the name of the image in front.
  while (*line && *line != ' ') line++;
  for (;;) {
    while (*line == ' ') line++;
    if (!*line) return;
    if (!parse_word(line)) {
      print("WARN not understood: ");
      print_word(line);
      print("\n");
    }
    while (*line && *line != ' ') line++;
  }
}
