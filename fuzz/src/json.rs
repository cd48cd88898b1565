//! A strict reader of JSON (RFC 8259) that shares no code with serde. Strings are UTF-16, as in JavaScript, so that a
//! lone surrogate is readable.

/// A member of an object: its decoded key, and its value in JSON form.
pub type Member<'text> = (Vec<u16>, &'text str);

/// Returns the members of an object in their order. Returns `None` if `text` is not exactly one valid JSON object.
pub fn members(text: &str) -> Option<Vec<Member<'_>>> {
    let mut reader = Reader { text, at: 0 };
    let mut members = Vec::new();
    reader.skip_blanks();
    reader.expect(b'{')?;
    reader.skip_blanks();
    if reader.peek()? == b'}' {
        reader.at += 1;
    } else {
        loop {
            let key = reader.key()?;
            reader.skip_blanks();
            let start = reader.at;
            reader.value()?;
            members.push((key, &text[start..reader.at]));
            reader.skip_blanks();
            match reader.next()? {
                b',' => {}
                b'}' => break,
                _ => return None,
            }
        }
    }
    reader.skip_blanks();
    reader.is_at_end().then_some(members)
}

/// Returns the last value of a key, in JSON form.
pub fn last<'text>(members: &[Member<'text>], name: &str) -> Option<&'text str> {
    let is_it = |key: &[u16]| key.iter().copied().eq(name.encode_utf16());
    members.iter().rfind(|(key, _)| is_it(key)).map(|(_, value)| *value)
}

/// Decodes a JSON string. Returns `None` if `json` is not exactly one.
pub fn string(json: &str) -> Option<Vec<u16>> {
    let mut reader = Reader { text: json, at: 0 };
    let string = reader.string()?;
    reader.is_at_end().then_some(string)
}

struct Reader<'text> {
    text: &'text str,
    at: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn next(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        Some(byte)
    }

    fn expect(&mut self, byte: u8) -> Option<()> {
        (self.next()? == byte).then_some(())
    }

    fn is_at_end(&self) -> bool {
        self.at == self.text.len()
    }

    fn skip_while(&mut self, wanted: impl Fn(u8) -> bool) -> usize {
        let start = self.at;
        while self.peek().is_some_and(&wanted) {
            self.at += 1;
        }
        self.at - start
    }

    fn skip_blanks(&mut self) {
        self.skip_while(|byte| b" \t\n\r".contains(&byte));
    }

    /// Reads a key and its colon.
    fn key(&mut self) -> Option<Vec<u16>> {
        self.skip_blanks();
        let key = self.string()?;
        self.skip_blanks();
        self.expect(b':')?;
        Some(key)
    }

    /// Reads a value of any depth, without recursion.
    fn value(&mut self) -> Option<()> {
        // The brackets that close what is open.
        let mut open = Vec::new();
        loop {
            self.skip_blanks();
            match self.peek()? {
                opening @ (b'{' | b'[') => {
                    self.at += 1;
                    self.skip_blanks();
                    let closing = if opening == b'{' { b'}' } else { b']' };
                    if self.peek()? == closing {
                        self.at += 1;
                    } else {
                        open.push(closing);
                        if closing == b'}' {
                            self.key()?;
                        }
                        continue;
                    }
                }
                b'"' => {
                    self.string()?;
                }
                b't' => self.literal("true")?,
                b'f' => self.literal("false")?,
                b'n' => self.literal("null")?,
                _ => self.number()?,
            }
            loop {
                let Some(closing) = open.last().copied() else { return Some(()) };
                self.skip_blanks();
                match self.next()? {
                    b',' => {
                        if closing == b'}' {
                            self.key()?;
                        }
                        break;
                    }
                    found if found == closing => open.pop(),
                    _ => return None,
                };
            }
        }
    }

    fn literal(&mut self, literal: &str) -> Option<()> {
        self.text[self.at..].starts_with(literal).then(|| self.at += literal.len())
    }

    fn number(&mut self) -> Option<()> {
        let is_digit = |byte: u8| byte.is_ascii_digit();
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        let leading = self.peek();
        let digits = self.skip_while(is_digit);
        if digits == 0 || (digits > 1 && leading == Some(b'0')) {
            return None;
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            if self.skip_while(is_digit) == 0 {
                return None;
            }
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            if self.skip_while(is_digit) == 0 {
                return None;
            }
        }
        Some(())
    }

    fn string(&mut self) -> Option<Vec<u16>> {
        self.expect(b'"')?;
        let mut units = Vec::new();
        loop {
            let character = self.text.get(self.at..)?.chars().next()?;
            self.at += character.len_utf8();
            match character {
                '"' => return Some(units),
                '\0'..='\u{1f}' => return None,
                '\\' => units.push(self.escaped()?),
                _ => units.extend(character.encode_utf16(&mut [0; 2]).iter()),
            }
        }
    }

    fn escaped(&mut self) -> Option<u16> {
        let simple = |character: char| Some(character as u16);
        match self.next()? {
            byte @ (b'"' | b'\\' | b'/') => Some(byte.into()),
            b'b' => simple('\u{8}'),
            b'f' => simple('\u{c}'),
            b'n' => simple('\n'),
            b'r' => simple('\r'),
            b't' => simple('\t'),
            b'u' => {
                let digits = self.text.get(self.at..self.at + 4)?;
                self.at += 4;
                let is_hex = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
                is_hex.then(|| u16::from_str_radix(digits, 16).ok()).flatten()
            }
            _ => None,
        }
    }
}
