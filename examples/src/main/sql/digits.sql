-- Reads handwritten digits with a TensorFlow model, in SQL alone. `examples/run sql` starts it.
-- By hand, from the repository's root, with the connector's jar:
--
--     spark-sql --jars JAR -f examples/src/main/sql/digits.sql

-- All columns of the file, and one more for each output of the model.
CREATE TEMPORARY VIEW scored
USING tensorflow
OPTIONS (
  model 'examples/models/digits',
  path 'examples/data/digits.parquet'
);

DESCRIBE scored;

-- How well are the digits read that the model was not trained with? The filter on the split runs
-- before the model.
SELECT label, count(*) AS images, round(avg(cast(digit = label AS int)), 4) AS accuracy
FROM scored
WHERE split = 'test'
GROUP BY label
ORDER BY label;

-- Which were misread, and how sure was the model?
SELECT id, label, digit, round(array_max(probabilities), 4) AS certainty
FROM scored
WHERE split = 'test' AND digit <> label
ORDER BY certainty DESC;

-- Nothing of the model is asked for here, so it is not even loaded.
SELECT split, count(*) AS images FROM scored GROUP BY split ORDER BY split;

EXPLAIN SELECT id, digit FROM scored WHERE split = 'test';

-- A model in the middle of a query: over a join, and only for the rows that the join keeps. Equal
-- calls run once.
CREATE TEMPORARY VIEW images USING parquet OPTIONS (path 'examples/data/digits.parquet');
CREATE TEMPORARY VIEW names AS
SELECT * FROM VALUES (1, 'one'), (3, 'three'), (8, 'eight') AS t(label, name);

SELECT name, count(*) AS images,
  count_if(tf_predict('examples/models/digits', pixels, outputs => 'digit') = label) AS right
FROM images JOIN names USING (label)
WHERE split = 'test'
GROUP BY name
ORDER BY name;
